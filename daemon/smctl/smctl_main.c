/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The command line: options, the table of commands, usage.
 */
#include "smctl_client.h"
#include "smctl_read.h"
#include "smctl_status.h"
#include "smctl_write.h"

#include <curl/curl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 2000000

static const struct command {
	const char *noun, *verb; /* verb NULL: the noun alone */
	int least, most;         /* arguments */
	smctl_command_fn *run;
	const char *arguments, *what;
} commands[] = {
	{ "status", NULL, 0, 1, smctl_status, "[SERVICE]", "shards and owners of every service; --wait green waits" },
	{ "health", NULL, 0, 0, smctl_health, "", "does the manager answer" },
	{ "service", "list", 0, 0, smctl_service_list, "", "names of all services" },
	{ "service", "show", 1, 1, smctl_service_show, "SERVICE", "one service at a glance" },
	{ "service", "add", 1, 1, smctl_service_add, "SERVICE", "--max-shards N, --recovery S" },
	{ "service", "update", 1, 1, smctl_service_update, "SERVICE", "--max-shards N, --recovery S" },
	{ "service", "del", 1, 1, smctl_service_delete, "SERVICE", "removes the service and its shards" },
	{ "shard", "list", 1, 1, smctl_shard_list, "SERVICE", "shards and their owners" },
	{ "shard", "add", 2, MANY, smctl_shard_add, "SERVICE SHARD...",
	        "--task T, --group G, --worker-group W, --pin C" },
	{ "shard", "update", 2, 2, smctl_shard_update, "SERVICE SHARD",
	        "the same options; only what is given changes" },
	{ "shard", "del", 2, MANY, smctl_shard_delete, "SERVICE SHARD...", "removes shards" },
	{ "worker", "list", 1, 1, smctl_worker_list, "SERVICE", "worker groups" },
	{ "worker", "add", 3, 3, smctl_worker_add, "SERVICE GROUP CONTAINER", "adds a container to a worker group" },
	{ "worker", "del", 3, 3, smctl_worker_delete, "SERVICE GROUP CONTAINER", "removes it from there" },
	{ "container", "list", 1, 1, smctl_container_list, "SERVICE", "containers and how many shards they have" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
	fprintf(out, "usage: smctl [-s URL] [-o json] [--timeout S] COMMAND\n\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		char line[80];

		snprintf(line, sizeof(line), "%s%s%s %s", commands[i].noun, commands[i].verb == NULL ? "" : " ",
		        commands[i].verb == NULL ? "" : commands[i].verb, commands[i].arguments);
		fprintf(out, "  %-38s %s\n", line, commands[i].what);
	}
	fprintf(out, "\n"
	             "  -s, --server URL   the manager; default $SMCTL_SERVER, else http://127.0.0.1:8801\n"
	             "  -o json            JSON instead of tables\n"
	             "  --timeout S        most s for a request, and for --wait; default 30\n"
	             "\n"
	             "exit status: 0 done; 1 the manager refused; 2 wrong command line; 3 the manager could not be\n"
	             "reached or did not answer in time (a change may have been made); 4 status: not green\n");
}

static int __attribute__((format(printf, 1, 2))) usage_error(const char *format, ...)
{
	va_list args;

	fputs("smctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("; smctl --help shows all\n", stderr);
	return SMCTL_USAGE;
}

static bool parse_count(const char *text, long *ret_value)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < 0)
		return false;
	*ret_value = value;
	return true;
}

static bool parse_seconds(const char *text, double *ret_value)
{
	char *end;
	double value = strtod(text, &end);

	if (*text == '\0' || *end != '\0' || !(value > 0 && value <= 1e6))
		return false;
	*ret_value = value;
	return true;
}

enum {
	OPTION_TIMEOUT = 256,
	OPTION_WAIT,
	OPTION_MAX_SHARDS,
	OPTION_RECOVERY,
	OPTION_TASK,
	OPTION_GROUP,
	OPTION_WORKER_GROUP,
	OPTION_PIN
};

static const struct option options[] = { { "server", required_argument, NULL, 's' },
	{ "output", required_argument, NULL, 'o' }, { "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' }, { "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "wait", required_argument, NULL, OPTION_WAIT }, { "max-shards", required_argument, NULL, OPTION_MAX_SHARDS },
	{ "recovery", required_argument, NULL, OPTION_RECOVERY }, { "task", required_argument, NULL, OPTION_TASK },
	{ "group", required_argument, NULL, OPTION_GROUP },
	{ "worker-group", required_argument, NULL, OPTION_WORKER_GROUP },
	{ "pin", required_argument, NULL, OPTION_PIN }, { 0 } };

/* SMCTL_OK, or the exit status after having said why. */
static int take_option(struct smctl *smctl, int option, const char *value)
{
	switch (option) {
	case 's':
		smctl->server = value;
		return SMCTL_OK;
	case 'o':
		smctl->json = strcmp(value, "json") == 0;
		return smctl->json || strcmp(value, "table") == 0 ? SMCTL_OK
		                                                  : usage_error("-o %s: json or table", value);
	case OPTION_TIMEOUT:
		return parse_seconds(value, &smctl->timeout_s) ? SMCTL_OK
		                                               : usage_error("--timeout %s: s, more than 0", value);
	case OPTION_WAIT:
		smctl->wait_green = strcmp(value, "green") == 0;
		return smctl->wait_green ? SMCTL_OK : usage_error("--wait %s: only green can be waited for", value);
	case OPTION_MAX_SHARDS:
		return parse_count(value, &smctl->max_shard_count) ? SMCTL_OK
		                                                   : usage_error("--max-shards %s: a number", value);
	case OPTION_RECOVERY:
		return parse_count(value, &smctl->max_recovery_time_s) ? SMCTL_OK
		                                                       : usage_error("--recovery %s: s", value);
	case OPTION_TASK:
		smctl->task = value;
		return SMCTL_OK;
	case OPTION_GROUP:
		smctl->group = value;
		return SMCTL_OK;
	case OPTION_WORKER_GROUP:
		smctl->worker_group = value;
		return SMCTL_OK;
	case OPTION_PIN:
		smctl->pin = value;
		return SMCTL_OK;
	default:
		return usage_error("unknown option");
	}
}

static const struct command *find_command(int count, char *const *words)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (count > 0 && strcmp(commands[i].noun, words[0]) == 0 &&
		        (commands[i].verb == NULL || (count > 1 && strcmp(commands[i].verb, words[1]) == 0)))
			return &commands[i];
	return NULL;
}

static int run(struct smctl *smctl, int count, char *const *words)
{
	const struct command *command = find_command(count, words);
	int used, status;

	if (command == NULL)
		return count == 0 ? usage_error("no command") : usage_error("unknown command %s", words[0]);
	used = command->verb == NULL ? 1 : 2;
	if (count - used < command->least || count - used > command->most)
		return usage_error("arguments are: %s", *command->arguments == '\0' ? "none" : command->arguments);
	smctl->client = smctl_client_new();
	if (smctl->client == NULL) {
		fprintf(stderr, "smctl: out of memory\n");
		return SMCTL_UNREACHABLE;
	}
	status = command->run(smctl, count - used, words + used);
	smctl_client_free(smctl->client);
	return status;
}

int main(int argc, char **argv)
{
	struct smctl smctl = {
		.server = getenv("SMCTL_SERVER"), .timeout_s = 30, .max_shard_count = -1, .max_recovery_time_s = -1
	};
	int option, status;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "s:o:h", options, NULL)) != -1) {
		if (option == 'h') {
			print_usage(stdout);
			return SMCTL_OK;
		}
		if (option == 'V') {
			puts("smctl " SM_VERSION);
			return SMCTL_OK;
		}
		if (option == '?' || option == ':')
			return usage_error("%s: unknown option, or its value is missing", argv[optind - 1]);
		status = take_option(&smctl, option, optarg);
		if (status != SMCTL_OK)
			return status;
	}
	if (smctl.server == NULL || *smctl.server == '\0')
		smctl.server = "http://127.0.0.1:8801";
	curl_global_init(CURL_GLOBAL_DEFAULT);
	status = run(&smctl, argc - optind, argv + optind);
	curl_global_cleanup();
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "smctl: the output could not be written\n");
		return SMCTL_REFUSED;
	}
	return status;
}
