/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * A real etcd for C tests.
 */
#include "etcd_server.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MEMBERS 5
#define READY_S 60
#define TRIES 5 /* free ports can be taken by others before etcd has them */

struct member {
	pid_t pid; /* 0 = not running */
	char endpoint[128], client_url[64], peer_url[64], name[24];
	int frozen;
};

struct etcd_server {
	struct etcd_server_options options;
	char directory[64];
	size_t count;
	struct member members[MEMBERS];
	const char *endpoints[MEMBERS + 1];
	char authorization[256]; /* the header; empty = none */
};

/* ---- addresses ---- */

static int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = -1;

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, bytes) == 0 &&
	        getsockname(fd, (struct sockaddr *)&address, &bytes) == 0)
		port = ntohs(address.sin_port);
	if (fd >= 0)
		close(fd);
	return port;
}

static void choose_addresses(struct etcd_server *server)
{
	for (size_t i = 0; i < server->count; i++) {
		struct member *member = &server->members[i];

		snprintf(member->name, sizeof(member->name), "m%zu", i);
		if (server->options.unix_socket) {
			/* etcd 3.4 knows only sockets in its working directory, and their names must look like host:port. */
			snprintf(member->client_url, sizeof(member->client_url), "unix://client:1");
			snprintf(member->peer_url, sizeof(member->peer_url), "unix://peer:1");
			snprintf(
			        member->endpoint, sizeof(member->endpoint), "unix://%s/m0/client:1", server->directory);
		} else {
			snprintf(member->client_url, sizeof(member->client_url), "%s://127.0.0.1:%d",
			        server->options.tls ? "https" : "http", free_port());
			snprintf(member->peer_url, sizeof(member->peer_url), "http://127.0.0.1:%d", free_port());
			snprintf(member->endpoint, sizeof(member->endpoint), "%s", member->client_url);
		}
		server->endpoints[i] = member->endpoint;
	}
}

/* ---- processes ---- */

static void fill_arguments(
        const struct etcd_server *server, const struct member *member, char *cluster, const char **argv)
{
	const char *fixed[] = { "etcd", "--name", member->name, "--data-dir", "data", "--listen-client-urls",
		member->client_url, "--advertise-client-urls", member->client_url, "--listen-peer-urls",
		member->peer_url, "--initial-advertise-peer-urls", member->peer_url, "--initial-cluster", cluster,
		"--logger", "zap", "--log-level", "warn" };
	static const char *const tls[] = { "--cert-file", ETCD_SERVER_TLS "server.pem", "--key-file",
		ETCD_SERVER_TLS "server-key.pem", "--trusted-ca-file", ETCD_SERVER_TLS "ca.pem", "--client-cert-auth" };
	size_t count = 0;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		argv[count++] = fixed[i];
	for (size_t i = 0; server->options.tls && i < sizeof(tls) / sizeof(tls[0]); i++)
		argv[count++] = tls[i];
	for (size_t i = 0; i < 8 && server->options.arguments[i]; i++)
		argv[count++] = server->options.arguments[i];
	argv[count] = NULL;
}

static void become_etcd(const char *directory, const char *const *argv, pid_t parent)
{
	int log;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || chdir(directory))
		_exit(126);
	log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	unlink("client:1");
	unlink("peer:1");
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	execvp("etcd", (char *const *)argv);
	_exit(127);
}

static int launch(struct etcd_server *server, struct member *member)
{
	char cluster[MEMBERS * 96] = "", directory[96];
	const char *argv[40];
	size_t used = 0;
	pid_t parent = getpid();

	for (size_t i = 0; i < server->count; i++)
		used += (size_t)snprintf(cluster + used, sizeof(cluster) - used, "%s%s=%s", i ? "," : "",
		        server->members[i].name, server->members[i].peer_url);
	snprintf(directory, sizeof(directory), "%s/%s", server->directory, member->name);
	mkdir(directory, 0700);
	fill_arguments(server, member, cluster, argv);
	member->pid = fork();
	if (member->pid == 0)
		become_etcd(directory, argv, parent);
	return member->pid > 0 ? 0 : -1;
}

static void end(struct member *member, int signal_number)
{
	if (!member->pid)
		return;
	kill(member->pid, signal_number);
	if (member->frozen)
		kill(member->pid, SIGCONT);
	waitpid(member->pid, NULL, 0);
	member->pid = 0;
	member->frozen = 0;
}

/* ---- asking ---- */

struct body {
	char *data;
	size_t bytes;
};

static size_t gather(char *data, size_t size, size_t count, void *arg)
{
	struct body *body = arg;
	char *grown = realloc(body->data, body->bytes + size * count + 1);

	if (!grown)
		return 0;
	body->data = grown;
	memcpy(body->data + body->bytes, data, size * count);
	body->bytes += size * count;
	body->data[body->bytes] = '\0';
	return size * count;
}

char *etcd_server_post(struct etcd_server *server, size_t member, const char *path, const char *json, long *ret_status)
{
	const char *endpoint = server->members[member].endpoint;
	int is_socket = strncmp(endpoint, "unix://", 7) == 0;
	struct curl_slist *headers = NULL;
	struct body body = { NULL, 0 };
	CURL *easy = curl_easy_init();
	char url[256];
	long status = 0;

	snprintf(url, sizeof(url), "%s%s", is_socket ? "http://localhost" : endpoint, path);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	if (is_socket)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, endpoint + 7);
	if (server->options.tls) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, ETCD_SERVER_TLS "ca.pem");
		curl_easy_setopt(easy, CURLOPT_SSLCERT, ETCD_SERVER_TLS "client.pem");
		curl_easy_setopt(easy, CURLOPT_SSLKEY, ETCD_SERVER_TLS "client-key.pem");
	}
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 5000L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, json);
	if (server->authorization[0])
		headers = curl_slist_append(NULL, server->authorization);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, gather);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
	if (curl_easy_perform(easy) == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	if (ret_status)
		*ret_status = status;
	if (status == 0) {
		free(body.data);
		return NULL;
	}
	return body.data ? body.data : strdup("");
}

void etcd_server_authenticate(struct etcd_server *server, const char *username, const char *password)
{
	char request[256], *answer;
	json_t *json;

	server->authorization[0] = '\0';
	if (!username)
		return;
	snprintf(request, sizeof(request), "{\"name\":\"%s\",\"password\":\"%s\"}", username, password);
	answer = etcd_server_post(server, 0, "/v3/auth/authenticate", request, NULL);
	json = answer ? json_loads(answer, 0, NULL) : NULL;
	snprintf(server->authorization, sizeof(server->authorization), "Authorization: %s",
	        json ? json_string_value(json_object_get(json, "token")) : "");
	json_decref(json);
	free(answer);
}

static json_t *status_of(struct etcd_server *server, size_t member)
{
	char *text = etcd_server_post(server, member, "/v3/maintenance/status", "{}", NULL);
	json_t *status = text ? json_loads(text, 0, NULL) : NULL;

	free(text);
	return status;
}

int etcd_server_leader(struct etcd_server *server, size_t member)
{
	json_t *status = status_of(server, member), *other;
	const char *leader = json_string_value(json_object_get(status, "leader")), *id;
	int found = -1;

	for (size_t i = 0; leader && found < 0 && i < server->count; i++) {
		if (!server->members[i].pid || server->members[i].frozen)
			continue;
		other = status_of(server, i);
		id = json_string_value(json_object_get(json_object_get(other, "header"), "member_id"));
		if (id && strcmp(id, leader) == 0)
			found = (int)i;
		json_decref(other);
	}
	json_decref(status);
	return found;
}

/* ---- start and stop ---- */

/* A read that needs a leader. */
static int serves(struct etcd_server *server, size_t member)
{
	long status;

	free(etcd_server_post(server, member, "/v3/kv/range", "{\"key\":\"Lw==\"}", &status));
	return status == 200 || status == 400; /* 400: authentication is on */
}

static int wait_until_it_serves(struct etcd_server *server, size_t member)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	time_t until = time(NULL) + READY_S;

	while (!serves(server, member)) {
		if (waitpid(server->members[member].pid, NULL, WNOHANG) != 0) {
			server->members[member].pid = 0;
			return -1;
		}
		if (time(NULL) > until)
			return -1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int launch_all(struct etcd_server *server)
{
	for (size_t i = 0; i < server->count; i++)
		if (launch(server, &server->members[i]))
			return -1;
	for (size_t i = 0; i < server->count; i++)
		if (wait_until_it_serves(server, i))
			return -1;
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void clear(struct etcd_server *server)
{
	for (size_t i = 0; i < server->count; i++)
		end(&server->members[i], SIGKILL);
	nftw(server->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void show_log(const struct etcd_server *server)
{
	char path[96], line[1024];
	FILE *log;

	snprintf(path, sizeof(path), "%s/m0/log", server->directory);
	log = fopen(path, "r");
	while (log && fgets(line, sizeof(line), log))
		fputs(line, stderr);
	if (log)
		fclose(log);
}

/* Directories of tests that were killed; the name holds the test's process id. */
static void sweep(void)
{
	glob_t found;

	if (glob("/tmp/sm-etcd-*-*", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		pid_t owner = (pid_t)atol(found.gl_pathv[i] + strlen("/tmp/sm-etcd-"));

		if (owner > 0 && kill(owner, 0) < 0 && errno == ESRCH)
			nftw(found.gl_pathv[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	globfree(&found);
}

struct etcd_server *etcd_server_start(const struct etcd_server_options *options)
{
	struct etcd_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	if (options)
		server->options = *options;
	server->count = server->options.members > 0 ? (size_t)server->options.members : 1;
	sweep();
	for (int i = 0; i < TRIES; i++) {
		snprintf(server->directory, sizeof(server->directory), "/tmp/sm-etcd-%d-XXXXXX", (int)getpid());
		if (!mkdtemp(server->directory))
			break;
		choose_addresses(server);
		if (launch_all(server) == 0)
			return server;
		show_log(server);
		clear(server);
	}
	fprintf(stderr, "etcd_server: etcd does not start; is Debian's etcd-server installed?\n");
	free(server);
	return NULL;
}

void etcd_server_stop(struct etcd_server *server)
{
	if (!server)
		return;
	clear(server);
	free(server);
}

const char *const *etcd_server_endpoints(const struct etcd_server *server)
{
	return server->endpoints;
}

size_t etcd_server_members(const struct etcd_server *server)
{
	return server->count;
}

void etcd_server_kill(struct etcd_server *server, size_t member)
{
	end(&server->members[member], SIGKILL);
}

void etcd_server_terminate(struct etcd_server *server, size_t member)
{
	end(&server->members[member], SIGTERM);
}

void etcd_server_freeze(struct etcd_server *server, size_t member)
{
	kill(server->members[member].pid, SIGSTOP);
	server->members[member].frozen = 1;
}

void etcd_server_thaw(struct etcd_server *server, size_t member)
{
	kill(server->members[member].pid, SIGCONT);
	server->members[member].frozen = 0;
}

int etcd_server_restart(struct etcd_server *server, size_t member)
{
	if (launch(server, &server->members[member]))
		return -1;
	return wait_until_it_serves(server, member);
}
