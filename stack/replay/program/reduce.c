#include "reduce.h"

#include "pcap_out.h"

#include "nic/reader.h"
#include "stack/clock.h"
#include "stack/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX ((size_t)256 << 20)
#define PACKETS_MAX (1u << 20)

struct packet {
    size_t at;
    uint32_t len;
    uint32_t full_len;
    uint64_t time_ns;
};

struct reduce {
    struct packet *packets;
    uint32_t count;
    uint32_t room;
    uint8_t *bytes;
    size_t used;
    size_t bytes_room;
    uint32_t *chosen;
    uint32_t chosen_count;
    uint32_t *trial;
    const struct stk_reduce_conf *conf;
    uint32_t trials;
    uint64_t end_ns;
    bool limited;
};

static bool packet_add(struct reduce *self, const struct nic_packet *packet)
{
    if (self->count == self->room) {
        const uint32_t room = self->room == 0 ? 1024 : self->room * 2;
        struct packet *moved = room > PACKETS_MAX ? NULL : realloc(self->packets, room * sizeof(*moved));
        if (moved == NULL) {
            return false;
        }
        self->packets = moved;
        self->room = room;
    }
    while (self->used + packet->len > self->bytes_room) {
        const size_t room = self->bytes_room == 0 ? (size_t)1 << 20 : self->bytes_room * 2;
        uint8_t *moved = room > BYTES_MAX ? NULL : realloc(self->bytes, room);
        if (moved == NULL) {
            return false;
        }
        self->bytes = moved;
        self->bytes_room = room;
    }
    self->packets[self->count++] = (struct packet){
        .at = self->used, .len = packet->len, .full_len = packet->full_len, .time_ns = packet->time_ns};
    memcpy(self->bytes + self->used, packet->frame, packet->len);
    self->used += packet->len;
    return true;
}

static int load(struct reduce *self, const char *path, char *why)
{
    struct nic_reader *reader = NULL;
    struct nic_packet packet;
    char reason[NIC_READER_REASON_SIZE] = "";
    int err = nic_reader_open(path, &reader, reason);
    if (err != STK_OK) {
        (void)snprintf(why, STK_REDUCE_REASON_SIZE, "%.200s: %s", path, reason);
        return err;
    }
    while (err == STK_OK && nic_reader_next(reader, &packet) == 1) {
        if (!packet_add(self, &packet)) {
            (void)snprintf(why, STK_REDUCE_REASON_SIZE, "%.200s: packet %llu: too large to be reduced", path,
                           (unsigned long long)packet.number);
            err = STK_ENOMEM;
        }
    }
    nic_reader_close(reader);
    return err;
}

static bool write_chosen(const struct reduce *self, const char *path, const uint32_t *chosen, uint32_t count)
{
    FILE *file = stk_pcap_out_begin(path);
    bool written = file != NULL;
    for (uint32_t i = 0; i < count && written; i++) {
        const struct packet *packet = &self->packets[chosen[i]];
        written = stk_pcap_out_put(file, packet->time_ns, self->bytes + packet->at, packet->len, packet->full_len);
    }
    return (file == NULL || fclose(file) == 0) && written;
}

static bool try(struct reduce *self, const uint32_t *chosen, uint32_t count)
{
    const struct stk_reduce_conf *conf = self->conf;
    self->limited = self->limited || self->trials >= conf->trials_max || stk_clock_ns() >= self->end_ns;
    if (count == 0 || self->limited || !write_chosen(self, conf->scratch, chosen, count)) {
        return false;
    }
    self->trials++;
    return conf->fails(conf->context, conf->scratch);
}

/* The shortest prefix, if longer ones go on failing; what is found fails in any case. */
static void prefix_find(struct reduce *self)
{
    uint32_t low = 0;
    uint32_t high = self->chosen_count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (try(self, self->chosen, middle)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    self->chosen_count = high;
}

/* Without the part-th of parts pieces. */
static uint32_t without(struct reduce *self, uint32_t parts, uint32_t part)
{
    const uint32_t from = (uint32_t)((uint64_t)self->chosen_count * part / parts);
    const uint32_t to = (uint32_t)((uint64_t)self->chosen_count * (part + 1) / parts);
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->chosen_count; i++) {
        if (i < from || i >= to) {
            self->trial[count++] = self->chosen[i];
        }
    }
    return count;
}

/* ddmin, by complements: a subset alone has lost its handshake anyway. */
static void subset_find(struct reduce *self)
{
    uint32_t parts = 2;
    while (self->chosen_count > 1 && !self->limited) {
        bool smaller = false;
        for (uint32_t part = 0; part < parts && !self->limited; part++) {
            const uint32_t count = without(self, parts, part);
            if (count < self->chosen_count && try(self, self->trial, count)) {
                memcpy(self->chosen, self->trial, count * sizeof(*self->chosen));
                self->chosen_count = count;
                smaller = true;
                part = part > 0 ? part - 1 : 0;
                parts = parts > 2 ? parts - 1 : 2;
                if (parts > count) {
                    parts = count > 2 ? count : 2;
                }
            }
        }
        if (!smaller && parts >= self->chosen_count) {
            return;
        }
        if (!smaller) {
            parts = parts * 2 < self->chosen_count ? parts * 2 : self->chosen_count;
        }
    }
}

static int run(struct reduce *self, const char *out, struct stk_reduce_result *result)
{
    self->chosen = malloc((self->count + 1) * sizeof(*self->chosen));
    self->trial = malloc((self->count + 1) * sizeof(*self->trial));
    if (self->chosen == NULL || self->trial == NULL) {
        (void)snprintf(result->reason, sizeof(result->reason), "no memory");
        return STK_ENOMEM;
    }
    for (uint32_t i = 0; i < self->count; i++) {
        self->chosen[i] = i;
    }
    self->chosen_count = self->count;
    if (!try(self, self->chosen, self->chosen_count)) {
        (void)snprintf(result->reason, sizeof(result->reason),
                       "the capture does not fail in a way that part of it could fail, too");
        return STK_EINVAL;
    }
    prefix_find(self);
    subset_find(self);
    result->packets = self->chosen_count;
    if (!write_chosen(self, out, self->chosen, self->chosen_count)) {
        (void)snprintf(result->reason, sizeof(result->reason), "%.300s: %s", out, strerror(errno));
        return STK_EIO;
    }
    return STK_OK;
}

int stk_reduce_capture(const struct stk_reduce_conf *conf, const char *capture, const char *out,
                       struct stk_reduce_result *result)
{
    struct reduce self = {.conf = conf, .end_ns = stk_clock_ns() + conf->limit_s * STK_S_NS};
    memset(result, 0, sizeof(*result));
    int err = load(&self, capture, result->reason);
    result->packets_before = self.count;
    if (err == STK_OK) {
        err = run(&self, out, result);
    }
    result->trials = self.trials;
    result->limited = self.limited;
    (void)remove(conf->scratch);
    free(self.packets);
    free(self.bytes);
    free(self.chosen);
    free(self.trial);
    return err;
}
