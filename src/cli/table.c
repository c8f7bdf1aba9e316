/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

/* The command table: its groups in the order of help and manual. */
const struct command_group command_groups[] = {
	{ "Ceremonies", "ceremony", ceremony_commands, &ceremony_commands_n },
	{ "First start", "init", init_commands, &init_commands_n },
	{ "Configuration", "config", config_commands, &config_commands_n },
	{ "The running service", "service", service_commands,
	    &service_commands_n },
	{ "Tokens", "token", token_commands, &token_commands_n },
	{ "Keys and charters", "key", key_commands, &key_commands_n },
	{ "Signing", "sign", issue_commands, &issue_commands_n },
	{ "Certificates and revocation", "cert", cert_commands,
	    &cert_commands_n },
	{ "Publication", "publish", publish_commands, &publish_commands_n },
	{ "Vault and OpenBao", "vault", vault_commands, &vault_commands_n },
	{ "Kafka", "kafka", kafka_commands, &kafka_commands_n },
	{ "Renewal", "renew", renew_commands, &renew_commands_n },
	{ "The register", "register", register_commands, &register_commands_n },
	{ "Registers of others", "import", import_commands,
	    &import_commands_n },
	{ "The store", "store", store_commands, &store_commands_n },
	{ "Backup", "backup", backup_commands, &backup_commands_n },
	{ "Help", "help", help_commands, &help_commands_n },
};
const size_t command_groups_n = countof(command_groups);
