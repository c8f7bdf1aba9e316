# SPDX-License-Identifier: Apache-2.0
list(APPEND API_SOURCES sys/lease_list.c sys/leases.c sys/mount.c sys/mount_doc.c sys/observe.c sys/routes.c
    sys/status.c sys/tune.c sys/ui.c)
