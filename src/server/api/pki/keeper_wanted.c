/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that calls of any worker want: gathered until worker 0 takes them, which is woken by an
 * eventfd. */
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "keeper.h"

struct want {
	struct sha256 key;
	unsigned part;
};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct want *wanted;
static size_t wanted_n, wanted_cap;
static int fd = -1;
static struct event *event;
static void (*on_wanted)(void);

void
crl_wanted(const struct sha256 *key, unsigned part)
{
	bool found = false;

	(void)pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < wanted_n && !found; i++)
		found = wanted[i].part == part &&
		    memcmp(wanted[i].key.b, key->b, SHA256_LEN) == 0;
	if (!found) {
		wanted =
		    mem_grow(wanted, wanted_n, &wanted_cap, sizeof(wanted[0]));
		wanted[wanted_n++] = (struct want){ *key, part };
		if (fd >= 0)
			(void)eventfd_write(fd, 1);
	}
	(void)pthread_mutex_unlock(&mutex);
}

void
wanted_take(void (*take_one)(const struct sha256 *key, unsigned part))
{
	(void)pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < wanted_n; i++)
		take_one(&wanted[i].key, wanted[i].part);
	wanted_n = 0;
	(void)pthread_mutex_unlock(&mutex);
}

static void
readable(evutil_socket_t from, unused_arg short what, unused_arg void *arg)
{
	eventfd_t n;

	(void)eventfd_read(from, &n);
	on_wanted();
}

void
wanted_open(struct event_base *base, void (*woken)(void))
{
	on_wanted = woken;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd >= 0)
		event =
		    event_new(base, fd, EV_READ | EV_PERSIST, readable, NULL);
	if (event == NULL || event_add(event, NULL) != 0)
		fatal("no eventfd for lists");
}

/* Others may still ask; nobody is there to hear it. */
void
wanted_close(void)
{
	(void)pthread_mutex_lock(&mutex);
	if (event != NULL)
		event_free(take(event));
	if (fd >= 0)
		(void)close(fd);
	fd = -1;
	mem_free(take(wanted));
	wanted_n = wanted_cap = 0;
	(void)pthread_mutex_unlock(&mutex);
}
