/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of revoked certificates: the signer writes them as <key>/<scope>/<number>.crl; the
 * newest number is what everybody gets. Which one that is, is kept until the folder changes.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/text.h>

#include "engine.h"

#define KNOWN_BUCKETS 1024

struct known {
	struct known *next;
	struct sha256 key;
	unsigned part;
	struct timespec changed; /* of the folder */
	int64_t looked_s;        /* into it       */
	uint64_t number, dated;  /* modified_s is that of list `dated` */
	int64_t this_s, next_s, modified_s;
};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct known *knowns[KNOWN_BUCKETS];

/* "17.crl" → 17 */
static bool
file_number(const char *name, uint64_t *out)
{
	size_t n = strspn(name, "0123456789");
	char digits[24];

	if (n == 0 || n >= sizeof(digits) || strcmp(name + n, ".crl") != 0)
		return false;
	memcpy(digits, name, n);
	digits[n] = '\0';
	return parse_u64(digits, 0, INT64_MAX, out);
}

static uint64_t
newest_in(const char *path)
{
	auto_dir DIR *d = opendir(path);
	const struct dirent *entry;
	uint64_t n, best = 0;

	while (d != NULL && (entry = readdir(d)) != NULL)
		if (file_number(entry->d_name, &n) && n > best)
			best = n;
	return best;
}

static struct known *
known_of(const struct sha256 *key, unsigned part)
{
	struct known **at = &knowns[crl_hash(key, part) % KNOWN_BUCKETS], *k;

	for (k = *at; k != NULL; k = k->next)
		if (k->part == part &&
		    memcmp(k->key.b, key->b, SHA256_LEN) == 0)
			return k;
	k = mem_calloc(1, sizeof(*k));
	*k = (struct known){ .next = *at, .key = *key, .part = part };
	return *at = k;
}

void
crl_forget(void)
{
	struct known *k;

	for (size_t i = 0; i < KNOWN_BUCKETS; i++)
		while ((k = knowns[i]) != NULL) {
			knowns[i] = k->next;
			mem_free(k);
		}
}

static int
open_number(const char *dir, uint64_t number, struct stat *st)
{
	auto_mem char *path =
	    mem_printf("%s/%llu.crl", dir, (unsigned long long)number);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, st) != 0 || st->st_size <= 0)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* The lists before it that are still on disk, and the one that was served before it. */
static void
date_list(const char *dir, struct known *k)
{
	int64_t t;

	if (k->number == k->dated)
		return;
	t = crl_modified_s(dir, k->number, k->this_s);
	k->modified_s = t > k->modified_s ? t : k->modified_s + 1;
	k->dated = k->number;
}

/* A folder's time has the grain of the kernel's clock (4 ms, Linux before 6.13): one list more in the same tick
 * would not be seen. */
static bool
is_unchanged(const struct known *k, const struct timespec *t)
{
	return k->number > 0 && t->tv_sec == k->changed.tv_sec &&
	    t->tv_nsec == k->changed.tv_nsec && k->looked_s > t->tv_sec + 1;
}

static bool
open_newest(const char *dir, struct known *k, struct crl_file *out)
{
	struct stat folder, st;
	uint64_t before = k->number;

	if (stat(dir, &folder) != 0)
		return false;
	if (!is_unchanged(k, &folder.st_mtim)) {
		k->changed = folder.st_mtim;
		k->looked_s = clock_wall_ms(&clock_system) / 1000;
		k->number = newest_in(dir);
		if (k->number != before)
			k->this_s = k->next_s = 0;
	}
	out->fd = k->number > 0 ? open_number(dir, k->number, &st) : -1;
	if (out->fd < 0)
		return false;
	if (k->next_s == 0) {
		if (!crl_read_times(out->fd, (size_t)st.st_size, &k->this_s,
			&k->next_s)) {
			(void)close(out->fd);
			return false;
		}
		date_list(dir, k);
	}
	out->bytes = (uint64_t)st.st_size;
	out->mtime_s = st.st_mtim.tv_sec;
	out->number = k->number;
	out->this_s = k->this_s;
	out->next_s = k->next_s;
	out->modified_s = k->modified_s;
	return true;
}

void
crl_scope(unsigned part, char out[CRL_SCOPE_SIZE])
{
	if (part == CRL_FULL)
		(void)snprintf(out, CRL_SCOPE_SIZE, "full");
	else if (part == CRL_DELTA)
		(void)snprintf(out, CRL_SCOPE_SIZE, "delta");
	else
		(void)snprintf(out, CRL_SCOPE_SIZE, "partition:%u", part);
}

bool
crl_part(const char *text, unsigned *part)
{
	static const char stem[] = "partition-";
	uint64_t k;

	if (strcmp(text, "full") == 0)
		*part = CRL_FULL;
	else if (strcmp(text, "delta") == 0)
		*part = CRL_DELTA;
	else if (strncmp(text, stem, sizeof(stem) - 1) != 0 ||
	    text[sizeof(stem) - 1] == '0' ||
	    !parse_u64(text + sizeof(stem) - 1, 1, INT32_MAX, &k))
		return false;
	else
		*part = (unsigned)k;
	return true;
}

static char *
folder(const struct sha256 *key, unsigned part)
{
	char hex[2 * SHA256_LEN + 1], scope[CRL_SCOPE_SIZE], *colon;

	hex_encode(sha256_bytes(key), hex);
	crl_scope(part, scope);
	if ((colon = strchr(scope, ':')) != NULL)
		*colon = '-';
	return mem_printf("%s/%s/%s", pki_process.crl_dir, hex, scope);
}

bool
crl_open(const struct sha256 *key, unsigned part, struct crl_file *out)
{
	auto_mem char *dir = NULL;
	bool ok;

	*out = (struct crl_file){ .fd = -1 };
	if (pki_process.crl_dir == NULL)
		return false;
	dir = folder(key, part);
	(void)pthread_mutex_lock(&mutex);
	ok = open_newest(dir, known_of(key, part), out);
	(void)pthread_mutex_unlock(&mutex);
	if (!ok)
		out->fd = -1;
	return ok;
}

bool
crl_look(const struct sha256 *key, unsigned part, struct crl_file *out)
{
	if (!crl_open(key, part, out))
		return false;
	(void)close(out->fd);
	out->fd = -1;
	return true;
}
