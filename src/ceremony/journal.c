/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/journal.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/text.h>

/* A ceremony writes a few hundred lines; custody results are the longest. */
#define JOURNAL_BYTES_MAX (16L << 20)

struct journal {
	const struct clock *clock;
	int fd, lock;
	char *path;
	struct buf text;
	struct journal_entry *v;
	size_t *data_at; /* offset of each entry's data in text */
	size_t n, cap, data_cap;
	struct sha256 head;
};

static void
copy_name(char *to, size_t size, struct bytes v)
{
	size_t n = v.n < size - 1 ? v.n : size - 1;

	if (n > 0)
		memcpy(to, v.p, n);
	to[n] = '\0';
}

static void
read_hash(struct json_reader *r, struct sha256 *out)
{
	struct bytes v = json_get_raw_str(r);
	char hex[2 * SHA256_LEN + 1];

	copy_name(hex, sizeof(hex), v);
	if (v.n != 2 * SHA256_LEN || !hex_decode_fixed(hex, out->b, SHA256_LEN))
		r->failed = true;
}

static void
read_time(struct json_reader *r, int64_t *out)
{
	struct bytes v = json_get_raw_str(r);

	if (!time_parse_ms((const char *)v.p, v.n, out))
		r->failed = true;
}

static void
expect_key(struct json_reader *r, const char *want)
{
	struct bytes key;

	if (!json_next_key(r, &key) || !bytes_eq(key, bytes_str(want)))
		r->failed = true;
}

static bool
entry_parse(struct bytes line, struct journal_entry *out)
{
	struct json_reader r;
	struct bytes end;

	json_read(&r, line);
	json_enter_object(&r);
	expect_key(&r, "data");
	if (json_peek(&r) != JSON_KIND_OBJECT)
		return false;
	out->data = json_get_value(&r);
	expect_key(&r, "n");
	out->n = (uint64_t)json_get_int(&r);
	expect_key(&r, "prev");
	read_hash(&r, &out->prev);
	expect_key(&r, "step");
	copy_name(out->step, sizeof(out->step), json_get_raw_str(&r));
	expect_key(&r, "t");
	read_time(&r, &out->t_ms);
	expect_key(&r, "what");
	copy_name(out->what, sizeof(out->what), json_get_raw_str(&r));
	if (json_next_key(&r, &end))
		return false;
	return json_done(&r);
}

static void
entry_push(struct journal *j, const struct journal_entry *en, size_t data_at)
{
	j->v = mem_grow(j->v, j->n, &j->cap, sizeof(*j->v));
	j->data_at =
	    mem_grow(j->data_at, j->n, &j->data_cap, sizeof(*j->data_at));
	j->v[j->n] = *en;
	j->data_at[j->n++] = data_at;
}

static bool
load_line(struct journal *j, struct bytes line, size_t at, struct error *e)
{
	struct journal_entry en = { 0 };

	if (!entry_parse(line, &en))
		return error_set(e, FAIL_CORRUPT,
		    "journal line %zu: not a journal line", j->n + 1);
	if (en.n != j->n ||
	    !bytes_eq(sha256_bytes(&en.prev), sha256_bytes(&j->head)))
		return error_set(e, FAIL_CORRUPT,
		    "journal line %zu: the chain is broken", j->n + 1);
	entry_push(j, &en, at + (size_t)(en.data.p - line.p));
	j->head = sha256(line);
	return true;
}

/* *whole is how many bytes are whole lines. */
static bool
load_lines(struct journal *j, size_t *whole, struct error *e)
{
	size_t at = 0;

	while (at < j->text.n) {
		const uint8_t *p = j->text.p + at;
		const uint8_t *nl = memchr(p, '\n', j->text.n - at);

		if (nl == NULL)
			break;
		if (!load_line(j, bytes_of(p, (size_t)(nl - p)), at, e))
			return false;
		at += (size_t)(nl - p) + 1;
	}
	*whole = at;
	return true;
}

static struct journal *
journal_new(const char *path, const struct clock *clock)
{
	struct journal *j = mem_calloc(1, sizeof(*j));

	j->fd = j->lock = -1;
	j->path = mem_strdup(path);
	j->clock = clock != NULL ? clock : &clock_system;
	return j;
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	if (j->fd >= 0)
		(void)close(j->fd);
	if (j->lock >= 0)
		(void)close(j->lock);
	buf_free(&j->text);
	mem_free(j->v);
	mem_free(j->data_at);
	mem_free(j->path);
	mem_free(j);
}

static bool
take_lock(struct journal *j, struct error *e)
{
	auto_mem char *lock = mem_printf("%s.lock", j->path);

	j->lock = file_lock(lock, e);
	return j->lock >= 0;
}

struct journal *
journal_create(const char *path, const struct clock *clock, struct error *e)
{
	auto_journal struct journal *j = journal_new(path, clock);

	if (!take_lock(j, e) || !file_create(path, bytes_of("", 0), 0600, e))
		return NULL;
	j->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (j->fd < 0) {
		error_errno(e, FAIL_IO, "%s", path);
		return NULL;
	}
	return take(j);
}

static bool
cut_tail(struct journal *j, size_t whole, struct error *e)
{
	size_t torn = j->text.n - whole;
	auto_buf struct buf data = { 0 };

	if (ftruncate(j->fd, (off_t)whole) != 0 || fsync(j->fd) != 0)
		return error_errno(e, FAIL_IO, "%s", j->path);
	j->text.n = whole;
	buf_addf(&data, "{\"bytes\":%zu}", torn);
	return journal_add(j, "cut", "", buf_bytes(&data), e);
}

struct journal *
journal_open(const char *path, const struct clock *clock, struct error *e)
{
	auto_journal struct journal *j = journal_new(path, clock);
	size_t whole = 0;

	if (!take_lock(j, e) ||
	    !file_read(path, JOURNAL_BYTES_MAX, &j->text, e) ||
	    !load_lines(j, &whole, e))
		return NULL;
	j->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (j->fd < 0) {
		error_errno(e, FAIL_IO, "%s", path);
		return NULL;
	}
	if (whole < j->text.n && !cut_tail(j, whole, e))
		return NULL;
	return take(j);
}

struct journal *
journal_parse(struct bytes text, struct error *e)
{
	auto_journal struct journal *j = journal_new("journal", NULL);
	size_t whole = 0;

	buf_add_bytes(&j->text, text);
	if (!load_lines(j, &whole, e))
		return NULL;
	j->text.n = whole;
	return take(j);
}

struct journal *
journal_read(const char *path, struct error *e)
{
	auto_buf struct buf text = { 0 };
	struct journal *j;

	if (!file_read(path, JOURNAL_BYTES_MAX, &text, e))
		return NULL;
	j = journal_parse(buf_bytes(&text), e);
	if (j == NULL)
		error_context(e, "%s", path);
	return j;
}

static void
entry_encode(const struct journal_entry *en, struct buf *line)
{
	struct json_writer w;
	char when[TIME_TEXT_SIZE];

	time_format_ms(en->t_ms, when);
	json_begin(&w, line);
	json_object_begin(&w);
	json_key(&w, "data");
	json_raw(&w, en->data);
	json_kv_int(&w, "n", (int64_t)en->n);
	json_kv_hex(&w, "prev", sha256_bytes(&en->prev));
	json_kv_str(&w, "step", en->step);
	json_kv_str(&w, "t", when);
	json_kv_str(&w, "what", en->what);
	json_object_end(&w);
}

bool
journal_add(struct journal *j, const char *what, const char *step,
    struct bytes data, struct error *e)
{
	struct journal_entry en = {
		.n = j->n,
		.t_ms = clock_wall_ms(j->clock),
		.prev = j->head,
		.data = data.n > 0 ? data : bytes_str("{}"),
	};
	auto_buf struct buf line = { 0 };
	struct sha256 head;
	size_t at = j->text.n;

	copy_name(en.what, sizeof(en.what), bytes_str(what));
	copy_name(en.step, sizeof(en.step), bytes_str(step));
	entry_encode(&en, &line);
	head = sha256(buf_bytes(&line));
	buf_add_byte(&line, '\n');
	if (!fd_write_all(j->fd, buf_bytes(&line), e))
		return error_context(e, "%s", j->path);
	if (fdatasync(j->fd) != 0)
		return error_errno(e, FAIL_IO, "%s", j->path);
	buf_add_bytes(&j->text, buf_bytes(&line));
	/* "data" is the first field: {"data": is eight bytes. */
	entry_push(j, &en, at + 8);
	j->head = head;
	return true;
}

size_t
journal_size(const struct journal *j)
{
	return j->n;
}

const struct journal_entry *
journal_at(const struct journal *j, size_t i)
{
	/* The text may have moved since: point again. */
	j->v[i].data.p = j->text.p + j->data_at[i];
	return &j->v[i];
}

const struct journal_entry *
journal_find(const struct journal *j, const char *what, const char *step)
{
	for (size_t i = j->n; i-- > 0;)
		if (strcmp(j->v[i].what, what) == 0 &&
		    (step == NULL || strcmp(j->v[i].step, step) == 0))
			return journal_at(j, i);
	return NULL;
}

struct sha256
journal_head(const struct journal *j)
{
	return j->head;
}

struct bytes
journal_text(const struct journal *j)
{
	return buf_bytes(&j->text);
}

bool
journal_get_text(const struct journal_entry *j, const char *key,
    struct buf *out)
{
	struct json_reader r;
	struct bytes k;

	json_read(&r, j->data);
	json_enter_object(&r);
	while (json_next_key(&r, &k)) {
		if (bytes_eq(k, bytes_str(key)))
			return json_peek(&r) == JSON_KIND_STRING &&
			    json_get_str(&r, out);
		(void)json_get_value(&r);
	}
	return false;
}
