#include "config_priv.h"

#include "stack/err.h"

#include <ini.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the next line out of the text, without its end. */
static const char *line_take(struct stk_conf_parse *parse, size_t *len)
{
    static const char bom[] = "\xef\xbb\xbf";
    if (parse->at == 0 && parse->size >= sizeof(bom) - 1 && memcmp(parse->text, bom, sizeof(bom) - 1) == 0) {
        parse->at = sizeof(bom) - 1;
    }
    if (parse->at >= parse->size) {
        return NULL;
    }
    const char *line = parse->text + parse->at;
    size_t left = parse->size - parse->at;
    const char *end = memchr(line, '\n', left);
    *len = end != NULL ? (size_t)(end - line) : left;
    parse->at += end != NULL ? *len + 1 : *len;
    parse->line++;
    if (end != NULL && *len > 0 && line[*len - 1] == '\r') {
        (*len)--;
    }
    return line;
}

/* Refuses the current line as not INI. */
static int line_refuse(struct stk_conf_parse *parse, const char *why)
{
    return stk_conf_fail_at(parse, stk_conf_here(parse, NULL), STK_EPROTO, "%s", why);
}

static int line_check_bytes(struct stk_conf_parse *parse, const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c == 0) {
            return line_refuse(parse, "NUL byte in the line");
        }
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return stk_conf_fail_at(parse, stk_conf_here(parse, NULL), STK_EPROTO,
                                    "control character 0x%02x in the line", c);
        }
    }
    return STK_OK;
}

/* A header is read here too, because libinih reports sections only with their first key. */
static int header_read(struct stk_conf_parse *parse, const char *line, size_t len)
{
    struct stk_conf_where where = {.line = parse->line};
    const char *end = memchr(line, ']', len);
    if (end == NULL) {
        return stk_conf_fail_at(parse, where, STK_EPROTO, "section header without ']'");
    }
    const char *rest = end + 1;
    while (rest < line + len && is_blank(*rest)) {
        rest++;
    }
    if (rest < line + len && *rest != ';' && *rest != '#') {
        return stk_conf_fail_at(parse, where, STK_EPROTO, "text behind the section header");
    }
    const char *first = line + 1;
    while (first < end && is_blank(*first)) {
        first++;
    }
    while (end > first && is_blank(end[-1])) {
        end--;
    }
    return stk_conf_section_open(parse, first, (size_t)(end - first));
}

/* Is there a '=' (or ':') before a comment? */
static bool line_has_value(const char *line, size_t len)
{
    for (size_t i = 0; i < len && !(line[i] == ';' && i > 0 && is_blank(line[i - 1])); i++) {
        if (line[i] == '=' || line[i] == ':') {
            return true;
        }
    }
    return false;
}

static int line_check_text(struct stk_conf_parse *parse, const char *line, size_t len)
{
    if (!parse->indented) {
        return line_has_value(line, len) ? STK_OK : line_refuse(parse, "neither [section] nor 'key = value'");
    }
    if (line[0] == '[') {
        return line_refuse(parse, "a section header begins in the first column");
    }
    if (!parse->last_set) {
        return line_refuse(parse, "indented line, but no key before it to continue; keys begin in the first column");
    }
    return STK_OK;
}

static int line_check(struct stk_conf_parse *parse, const char *line, size_t len)
{
    if (len > STK_CONF_LINE_MAX) {
        return stk_conf_fail_at(parse, stk_conf_here(parse, NULL), STK_EPROTO,
                                "line of %zu bytes; at most %d are allowed", len, STK_CONF_LINE_MAX);
    }
    if (line_check_bytes(parse, line, len) != STK_OK) {
        return parse->result;
    }
    if (len > 0 && line[0] == '[') {
        return header_read(parse, line, len);
    }
    size_t skip = 0;
    while (skip < len && is_blank(line[skip])) {
        skip++;
    }
    parse->indented = skip > 0;
    if (skip == len || line[skip] == ';' || line[skip] == '#') {
        return STK_OK;
    }
    return line_check_text(parse, line + skip, len - skip);
}

/*
 * libinih's source of lines: like fgets, but a line is whole or an error, never split. The newline is needed: the library's
 * heap mode, which the program may have chosen for itself, joins what has none to the next line.
 */
static char *line_next(char *out, int size, void *stream)
{
    struct stk_conf_parse *parse = stream;
    size_t len = 0;
    if (parse->result != STK_OK) {
        return NULL;
    }
    const char *line = line_take(parse, &len);
    if (line == NULL || line_check(parse, line, len) != STK_OK) {
        return NULL;
    }
    if (len + 2 > (size_t)size) {
        (void)stk_conf_fail_at(parse, stk_conf_here(parse, NULL), STK_EPROTO,
                               "line of %zu bytes; the program has set the INI library to take %d at most", len,
                               size - 2);
        return NULL;
    }
    memcpy(out, line, len);
    out[len] = '\n';
    out[len + 1] = '\0';
    return out;
}

/* Cuts " ; comment" off a continuation line: not every version of the library does. */
static void comment_cut(const char *value, char *out, size_t size)
{
    size_t len = 0;
    while (value[len] != '\0' && len + 1 < size && !(value[len] == ';' && (len == 0 || is_blank(value[len - 1])))) {
        out[len] = value[len];
        len++;
    }
    while (len > 0 && is_blank(out[len - 1])) {
        len--;
    }
    out[len] = '\0';
}

/* The library's settings are the process's: a program may have switched continuation lines off. */
static bool continues_last(const struct stk_conf_parse *parse, const char *name)
{
    const struct stk_conf_port *port = parse->open->port;
    const char *last = parse->last != NULL ? parse->last->name : port->args[port->args_count - 1].key;
    return strcmp(name, last) == 0;
}

static int pair_take(void *user, const char *section, const char *name, const char *value)
{
    struct stk_conf_parse *parse = user;
    (void)section;
    if (parse->result != STK_OK || value == NULL) {
        return 0;
    }
    if (parse->indented && !continues_last(parse, name)) {
        return 0;
    }
    if (parse->indented) {
        char more[STK_CONF_LINE_MAX + 1];
        comment_cut(value, more, sizeof(more));
        return stk_conf_key_continue(parse, more) == STK_OK;
    }
    return stk_conf_key_set(parse, name, value) == STK_OK;
}

int stk_conf_read(struct stk_conf_parse *parse)
{
    int bad = ini_parse_stream(line_next, parse, pair_take, parse);
    if (bad < 0 && parse->result == STK_OK) {
        return stk_conf_fail_at(parse, stk_conf_here(parse, NULL), STK_ENOMEM, "out of memory");
    }
    if (bad > 0 && parse->result == STK_OK) {
        struct stk_conf_where where = {.line = (uint32_t)bad};
        return stk_conf_fail_at(parse, where, STK_EPROTO,
                                "the INI library does not take this line; has the program changed its settings?");
    }
    return parse->result;
}
