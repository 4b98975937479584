/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The table, and what its values have to be.
 */
#include "config_table.h"

#include "keys.h"
#include "log.h"
#include "shardmgr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define UNIX_PATH_BYTES 108  /* NUL included */
#define RUNTIME_DIR_BYTES 90 /* a UNIX socket's path has 107, and its name goes behind */

static int check_service(const char *text, struct why *why)
{
	return keys_check(KEYS_PART_ID, "service", text, why);
}

static int check_endpoint(const char *text, struct why *why)
{
	static const char *const schemes[] = { "http://", "https://", "unix:///" };
	const char *rest = text;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncmp(text, schemes[i], strlen(schemes[i])) == 0)
			rest = text + strlen(schemes[i]);
	if (rest != text && strncmp(text, "unix:", 5) == 0 && strlen(rest) >= UNIX_PATH_BYTES - 1)
		return why_set(why, SM_EINVAL, "the path of a UNIX socket has %d bytes at most; this one has %zu",
		        UNIX_PATH_BYTES - 1, strlen(rest) + 1);
	if (rest != text && strncmp(text, "unix:", 5) == 0)
		return rest[0] != '\0'
		               ? 0
		               : why_set(why, SM_EINVAL, "\"%s\" has no path; write unix:///path/to/socket", text);
	if (rest == text && strstr(text, "://") != NULL)
		return why_set(why, SM_EINVAL, "\"%s\" begins with none of http:// https:// unix:///", text);
	return keys_check_address("an endpoint", rest, false, why);
}

static int check_listen(const char *text, struct why *why)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1)
		return 0;
	return why_set(why, SM_EINVAL,
	        "\"%s\" is not an IPv4 or IPv6 address, as in 127.0.0.1; the port has its own key", text);
}

static int check_runtime_dir(const char *text, struct why *why)
{
	if (text[0] != '/')
		return why_set(why, SM_EINVAL, "\"%s\" must be an absolute path", text);
	if (strlen(text) > RUNTIME_DIR_BYTES)
		return why_set(why, SM_EINVAL, "the path has %zu bytes; at most %d leave room for the sockets in it",
		        strlen(text), RUNTIME_DIR_BYTES);
	return 0;
}

static int check_log_level(const char *text, struct why *why)
{
	enum log_level level;

	if (log_parse_level(text, &level) == 0)
		return 0;
	return why_set(why, SM_EINVAL, "\"%s\" is none of debug, info, warning, error", text);
}

#define AT(member) offsetof(struct config, member)
const struct config_key config_table[] = {
	{ "service", CONFIG_TEXT, AT(service), NULL, true, 0, 0, check_service, "foo.bar",
	        "the manager's own service name" },
	{ "port", CONFIG_INTEGER, AT(port), NULL, true, 0, 65535, NULL, "8801",
	        "of the HTTP front; 0 takes any free one" },
	{ "endpoints", CONFIG_TEXTS, AT(endpoints), NULL, true, 0, 0, check_endpoint, "[127.0.0.1:2379]",
	        "etcd's: host:port, http://, https:// or unix:///path" },
	{ "etcdPrefix", CONFIG_TEXT, AT(etcd_prefix), NULL, true, 0, 0, keys_check_prefix, "/sm",
	        "everything in etcd is under it" },
	{ "listen", CONFIG_TEXT, AT(listen), "127.0.0.1", false, 0, 0, check_listen, "127.0.0.1",
	        "address that the HTTP front binds" },
	{ "insecure", CONFIG_BOOLEAN, AT(insecure), "false", false, 0, 0, NULL, "true",
	        "allow a listen address that is not loopback: there is no authentication yet" },
	{ "runtimeDir", CONFIG_TEXT, AT(runtime_dir), "/run/shardmgr", false, 0, 0, check_runtime_dir, "/run/shardmgr",
	        "the view and the command socket; one for each smd" },
	{ "logLevel", CONFIG_TEXT, AT(log_level), "info", false, 0, 0, check_log_level, "info",
	        "debug, info, warning or error" },
	{ "maxConnections", CONFIG_INTEGER, AT(max_connections), "1000", false, 1, 100000, NULL, "1000",
	        "most HTTP connections at a time" },
	{ "maxHeaderBytes", CONFIG_INTEGER, AT(max_header_bytes), "16384", false, 1024, 1048576, NULL, "16384",
	        "most bytes of a request's head" },
	{ "maxBodyBytes", CONFIG_INTEGER, AT(max_body_bytes), "16777216", false, 1024, 50331648, NULL, "16777216",
	        "most bytes of a request's body" },
	{ "requestTimeoutMs", CONFIG_INTEGER, AT(request_timeout_ms), "30000", false, 100, 600000, NULL, "30000",
	        "a whole request, first byte to last" },
	{ "containerTimeoutMs", CONFIG_INTEGER, AT(container_timeout_ms), "5000", false, 100, 600000, NULL, "5000",
	        "a container that does not take a request within this is asked again later" },
	{ "etcdUsername", CONFIG_TEXT, AT(etcd_username), NULL, false, 0, 0, NULL, "smd",
	        "for etcd with authentication" },
	{ "etcdPassword", CONFIG_TEXT, AT(etcd_password), NULL, false, 0, 0, NULL, "secret", "goes with etcdUsername" },
	{ "etcdCa", CONFIG_TEXT, AT(etcd_ca), NULL, false, 0, 0, NULL, "/etc/ssl/etcd-ca.pem",
	        "file with the certificates that etcd's is checked by" },
	{ "etcdCert", CONFIG_TEXT, AT(etcd_cert), NULL, false, 0, 0, NULL, "/etc/ssl/smd.pem",
	        "file with the certificate to show to etcd" },
	{ "etcdKey", CONFIG_TEXT, AT(etcd_key), NULL, false, 0, 0, NULL, "/etc/ssl/smd.key",
	        "file with the key of etcdCert" },
	{ "compat.getDelSpec", CONFIG_BOOLEAN, AT(compat_get_del_spec), "false", false, 0, 0, NULL, "true",
	        "answer GET on del-spec, as sm-go does" },
	{ 0 },
};

static bool is_loopback(const char *listen)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, listen, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, listen, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

int config_table_check_whole(const struct config *config, const char **ret_key, struct why *why)
{
	if (!is_loopback(config->listen) && !config->insecure) {
		*ret_key = "listen";
		return why_set(why, SM_EINVAL,
		        "%s is not a loopback address, and there is no authentication yet: add \"insecure: true\" if "
		        "everyone who "
		        "can reach it may change everything",
		        config->listen);
	}
	if ((config->etcd_username == NULL) != (config->etcd_password == NULL)) {
		*ret_key = config->etcd_username != NULL ? "etcdUsername" : "etcdPassword";
		return why_set(why, SM_EINVAL, "etcdUsername and etcdPassword go together; add the other one");
	}
	if ((config->etcd_cert == NULL) != (config->etcd_key == NULL)) {
		*ret_key = config->etcd_cert != NULL ? "etcdCert" : "etcdKey";
		return why_set(why, SM_EINVAL, "etcdCert and etcdKey go together; add the other one");
	}
	return 0;
}
