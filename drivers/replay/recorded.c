#include "replay_priv.h"
#include "stack/clock.h"
#include "stack/log.h"

#include <string.h>

/* The next pass over the file begins when its last frame was played. */
static bool pass_begin(struct replay_port *port, uint64_t now_ns)
{
    char reason[NIC_READER_REASON_SIZE] = "";
    const bool any = port->report.frames_played != 0;

    port->loop++;
    nic_order_free(port->source.order);
    nic_reader_close(port->source.reader);
    port->source.order = NULL;
    port->source.reader = NULL;
    if (!any || (port->conf.loops != 0 && port->loop >= port->conf.loops) || port->report.ended[0] != '\0')
        return false;
    if (nic_reader_open(port->conf.file, &port->source.reader, reason) != 0 ||
        nic_order_make(port->source.reader, 0, &port->source.order) != 0) {
        (void)snprintf(port->report.ended, sizeof(port->report.ended), "%s", reason);
        return false;
    }
    port->source.timed = false;
    port->source.skip_ns = 0;
    port->base_ns = now_ns;
    port->started = false;
    return true;
}

static bool load(struct replay_port *port, uint64_t now_ns)
{
    while (!port->loaded) {
        if (port->source.reader == NULL)
            return false;
        if (!replay_source_next(&port->source)) {
            if (!pass_begin(port, now_ns))
                return false;
            continue;
        }
        port->loaded = true;
        if (!port->started) {
            port->started = true;
            port->first_ns = port->source.time_ns;
            port->base_ns += port->loop == 0 ? now_ns + port->conf.start_ns : 0;
        }
        /* Times that run backwards do not delay what follows. */
        const uint64_t past = port->source.time_ns > port->first_ns ? port->source.time_ns - port->first_ns : 0;
        port->due_ns = port->base_ns + replay_scaled_ns(&port->conf, past);
    }
    return true;
}

bool replay_recorded_next(struct replay_port *port, uint64_t now_ns)
{
    if (!load(port, now_ns) || port->due_ns > now_ns)
        return false;
    port->loaded = false;
    port->out_len = port->source.len;
    port->out_number = port->source.number;
    memcpy(port->out, port->source.frame, port->out_len);
    if (port->conf.speed != REPLAY_SPEED_MAX)
        replay_report_late(&port->report, now_ns - port->due_ns);
    return true;
}

uint64_t replay_recorded_due_ns(struct replay_port *port)
{
    if (port->loaded)
        return port->due_ns;
    /* Not known before the file is read on, which the next rx_burst does. */
    return port->source.reader != NULL ? 0 : STK_NEVER;
}
