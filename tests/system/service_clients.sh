#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What cert-manager and the Terraform provider send, sent to the running service in their order
# (service_clients.py, service_clients_terraform.py). -I: tests/system has a requests.py of its own.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
"$top/build/venv/bin/python" -I "$top/tests/system/service_clients.py" "$data/csr" ||
	die "service_clients.py"
"$top/build/venv/bin/python" -I "$top/tests/system/service_clients_terraform.py" ||
	die "service_clients_terraform.py"
