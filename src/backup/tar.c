/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <chancery/base/text.h>

#include "tar.h"

/* POSIX.1-1988, section 10.1.1. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8],
	    type, link[100], magic[6], version[2], uname[32], gname[32],
	    major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "ustar header");

/* Eleven octal digits; above it big-endian with the top bit set (GNU tar, star, libarchive). */
#define OCTAL_MAX 077777777777ULL

static void
put_number(char *field, size_t size, uint64_t v)
{
	memset(field, 0, size);
	if (v <= OCTAL_MAX) {
		for (size_t i = size - 1; i-- > 0; v >>= 3)
			field[i] = (char)('0' + (v & 7));
		return;
	}
	field[0] = (char)0x80;
	for (size_t i = size; v > 0; v >>= 8)
		field[--i] = (char)(v & 0xff);
}

static uint64_t
get_number(const char *field, size_t size)
{
	uint64_t v = 0;

	if (((uint8_t)field[0] & 0x80) != 0) {
		for (size_t i = size - 8; i < size; i++)
			v = v << 8 | (uint8_t)field[i];
		return v;
	}
	for (size_t i = 0; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		v = v << 3 | (uint64_t)(field[i] - '0');
	return v;
}

/* What does not fit the name field goes to the prefix, parted at the first slash that will do.
 * NULL: none does. */
static const char *
slash_of(const char *name, size_t n)
{
	const struct header *h = NULL;
	const char *slash = strchr(name + n - sizeof(h->name) - 1, '/');

	if (slash == NULL || (size_t)(slash - name) > sizeof(h->prefix))
		return NULL;
	return slash;
}

static void
put_name(struct header *h, const char *name)
{
	size_t n = strlen(name);
	const char *slash;

	if (n <= sizeof(h->name)) {
		memcpy(h->name, name, n);
		return;
	}
	slash = slash_of(name, n);
	if (slash == NULL)
		fatal("no tar can hold the name %s", name);
	memcpy(h->prefix, name, (size_t)(slash - name));
	memcpy(h->name, slash + 1, n - (size_t)(slash - name) - 1);
}

/* The sum of the octets, its own field taken as blanks. */
static void
put_sum(struct header *h)
{
	uint8_t block[TAR_BLOCK];
	unsigned sum = 0;
	char text[8];

	memset(h->sum, ' ', sizeof(h->sum));
	memcpy(block, h, sizeof(block));
	for (size_t i = 0; i < sizeof(block); i++)
		sum += block[i];
	(void)snprintf(text, sizeof(text), "%06o", sum & 0777777);
	memcpy(h->sum, text, 7);
}

void
tar_encode(const struct tar_entry *t, uint8_t block[TAR_BLOCK])
{
	struct header h;

	memset(&h, 0, sizeof(h));
	put_name(&h, t->name);
	put_number(h.mode, sizeof(h.mode), t->mode);
	put_number(h.uid, sizeof(h.uid), 0);
	put_number(h.gid, sizeof(h.gid), 0);
	put_number(h.size, sizeof(h.size), t->size);
	put_number(h.mtime, sizeof(h.mtime), (uint64_t)t->mtime_s);
	h.type = '0';
	memcpy(h.magic, "ustar", sizeof(h.magic));
	memcpy(h.version, "00", sizeof(h.version));
	put_number(h.major, sizeof(h.major), 0);
	put_number(h.minor, sizeof(h.minor), 0);
	put_sum(&h);
	memcpy(block, &h, TAR_BLOCK);
}

static bool
get_name(const struct header *h, char out[256])
{
	int p = (int)strnlen(h->prefix, sizeof(h->prefix));
	int n = (int)strnlen(h->name, sizeof(h->name));
	const char *rest = out + strlen(ARCHIVE_ROOT);

	if (p + (p > 0) + n > 255)
		return false;
	(void)snprintf(out, 256, "%.*s%s%.*s", p, h->prefix, p > 0 ? "/" : "",
	    n, h->name);
	return strncmp(out, ARCHIVE_ROOT, strlen(ARCHIVE_ROOT)) == 0 &&
	    archive_name_valid(rest);
}

bool
tar_decode(const uint8_t block[TAR_BLOCK], struct tar_entry *out,
    struct error *e)
{
	struct header h;
	struct tar_entry t = { .size = 0 };
	uint8_t again[TAR_BLOCK];

	memcpy(&h, block, sizeof(h));
	if (memcmp(h.magic, "ustar", sizeof(h.magic)) != 0)
		return error_set(e, FAIL_BAD_INPUT, "no header of a tar");
	if (!get_name(&h, t.name))
		return error_set(e, FAIL_BAD_INPUT,
		    "a member's name is none that a backup has");
	t.size = get_number(h.size, sizeof(h.size));
	t.mode = (unsigned)get_number(h.mode, sizeof(h.mode));
	t.mtime_s = (int64_t)get_number(h.mtime, sizeof(h.mtime));
	if (t.size > INT64_MAX || t.mode > 0777 || t.mtime_s < 0 ||
	    (uint64_t)t.mtime_s > OCTAL_MAX)
		return error_set(e, FAIL_BAD_INPUT,
		    "%s: size, mode or time are out of range", t.name);
	tar_encode(&t, again);
	if (memcmp(again, block, TAR_BLOCK) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "%s: its header is not one of a plain file as backups "
		    "have it",
		    t.name);
	*out = t;
	return true;
}

static bool
fits(const char *name, size_t n)
{
	char full[256];

	if (n > ARCHIVE_NAME_MAX)
		return false;
	(void)snprintf(full, sizeof(full), ARCHIVE_ROOT "%s", name);
	n += strlen(ARCHIVE_ROOT);
	return n <= sizeof(((struct header *)NULL)->name) ||
	    slash_of(full, n) != NULL;
}

bool
archive_name_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	const char *part = name;

	for (;;) {
		size_t len = strspn(part, letters);

		if (len == 0 || *part == '.')
			return false;
		part += len;
		if (*part == '\0')
			return fits(name, (size_t)(part - name));
		if (*part++ != '/')
			return false;
	}
}

void
sums_add(struct buf *sums, const struct sha256 *h, const char *name)
{
	buf_add_hex(sums, sha256_bytes(h));
	buf_addf(sums, "  %s\n", name);
}
