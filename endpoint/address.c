/* Addresses in their three forms: the kernel's, the core's, and the table's. */
#include "endpoint.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

enum { V4_LEN = 6, V6_LEN = 22 };

bool ip_from_sockaddr(struct ip *ip, const struct sockaddr *from)
{
	*ip = (struct ip){.v6 = from->sa_family == AF_INET6};
	if (from->sa_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, from, sizeof v4);
		memcpy(ip->bytes, &v4.sin_addr, 4);
		ip->port = v4.sin_port;
		return true;
	}
	if (from->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;
		memcpy(&v6, from, sizeof v6);
		memcpy(ip->bytes, &v6.sin6_addr, 16);
		ip->port = v6.sin6_port;
		ip->scope = v6.sin6_scope_id;
		return true;
	}
	return false;
}

socklen_t ip_to_sockaddr(struct sockaddr_in6 *out, const struct ip *ip)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = ip->port};

	if (ip->v6) {
		*out = (struct sockaddr_in6){.sin6_family = AF_INET6,
					     .sin6_port = ip->port,
					     .sin6_scope_id = ip->scope};
		memcpy(&out->sin6_addr, ip->bytes, 16);
		return sizeof *out;
	}
	memcpy(&v4.sin_addr, ip->bytes, 4);
	memcpy(out, &v4, sizeof v4);
	return sizeof v4;
}

bool ip_from_address(struct ip *ip, const tern_address *from)
{
	*ip = (struct ip){.v6 = from->len == V6_LEN};
	if (from->len != V4_LEN && from->len != V6_LEN)
		return false;
	memcpy(ip->bytes, from->bytes, ip->v6 ? 16 : 4);
	if (ip->v6)
		memcpy(&ip->scope, from->bytes + 16, 4);
	memcpy(&ip->port, from->bytes + from->len - 2, 2);
	return true;
}

void ip_to_address(tern_address *out, const struct ip *ip)
{
	*out = (tern_address){.len = ip->v6 ? V6_LEN : V4_LEN, .host_len = ip->v6 ? V6_LEN - 2 : V4_LEN - 2};
	memcpy(out->bytes, ip->bytes, ip->v6 ? 16 : 4);
	if (ip->v6)
		memcpy(out->bytes + 16, &ip->scope, 4);
	memcpy(out->bytes + out->len - 2, &ip->port, 2);
}

/* The listening socket that has the address. */
static bool find_socket(const tern_endpoint *endpoint, uint32_t *index, const struct ip *local)
{
	static const uint8_t any[16];

	for (uint32_t i = 0; i < endpoint->options.num_listen; i++) {
		const struct ip *bound = &endpoint->sockets[i].bound;
		if (bound->v6 == local->v6 && bound->port == local->port &&
		    (memcmp(bound->bytes, any, sizeof any) == 0 ||
		     memcmp(bound->bytes, local->bytes, sizeof any) == 0)) {
			*index = i;
			return true;
		}
	}
	return false;
}

bool route_from_path(const tern_endpoint *endpoint, struct route *route, const tern_path *path)
{
	struct ip local;

	if (!ip_from_address(&route->remote, &path->remote))
		return false;
	if (path->local.len == 0)
		return true;
	if (!ip_from_address(&local, &path->local) || !find_socket(endpoint, &route->socket, &local))
		return false;
	memcpy(route->local, local.bytes, sizeof route->local);
	return true;
}

void route_path(const tern_endpoint *endpoint, const struct route *route, tern_path *path)
{
	struct ip local = endpoint->sockets[route->socket].bound;

	memcpy(local.bytes, route->local, sizeof local.bytes);
	ip_to_address(&path->local, &local);
	ip_to_address(&path->remote, &route->remote);
}

/* "%eth0" or "%2" behind an address. */
static bool parse_scope(uint32_t *scope, const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	*scope = *text && *end == 0 && number <= UINT32_MAX ? (uint32_t)number : if_nametoindex(text);
	return *scope != 0;
}

static bool parse_port(uint16_t *port, const char *text)
{
	size_t digits = strspn(text, "0123456789");
	long number = strtol(text, NULL, 10);

	*port = htons((uint16_t)number);
	return digits > 0 && digits <= 5 && text[digits] == 0 && number <= UINT16_MAX;
}

bool tern_endpoint_parse(tern_address *address, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	struct ip ip = {.v6 = text[0] == '['};
	char host[TERN_ADDRESS_TEXT], *percent;

	if (len == 0 || len >= sizeof host || (ip.v6 && (len < 3 || text[len - 1] != ']')))
		return false;
	memcpy(host, text + ip.v6, len - 2u * ip.v6);
	host[len - 2u * ip.v6] = 0;
	percent = strchr(host, '%');
	if (percent && (!ip.v6 || !parse_scope(&ip.scope, percent + 1)))
		return false;
	if (percent)
		*percent = 0;
	if (inet_pton(ip.v6 ? AF_INET6 : AF_INET, host, ip.bytes) != 1 || !parse_port(&ip.port, colon + 1))
		return false;
	ip_to_address(address, &ip);
	return true;
}

void tern_endpoint_text(char out[TERN_ADDRESS_TEXT], const tern_address *address)
{
	char host[INET6_ADDRSTRLEN], scope[16] = "";
	struct ip ip;

	if (!ip_from_address(&ip, address) || !inet_ntop(ip.v6 ? AF_INET6 : AF_INET, ip.bytes, host, sizeof host)) {
		snprintf(out, TERN_ADDRESS_TEXT, "?");
		return;
	}
	if (ip.scope)
		snprintf(scope, sizeof scope, "%%%u", (unsigned)ip.scope);
	snprintf(out, TERN_ADDRESS_TEXT, ip.v6 ? "[%s%s]:%u" : "%s%s:%u", host, scope, (unsigned)ntohs(ip.port));
}

bool tern_endpoint_from_sockaddr(tern_address *address, const struct sockaddr *from)
{
	struct ip ip;

	if (!ip_from_sockaddr(&ip, from))
		return false;
	ip_to_address(address, &ip);
	return true;
}

size_t tern_endpoint_to_sockaddr(struct sockaddr *out, const tern_address *address)
{
	struct sockaddr_in6 name;
	struct ip ip;
	socklen_t len;

	if (!ip_from_address(&ip, address))
		return 0;
	len = ip_to_sockaddr(&name, &ip);
	memcpy(out, &name, len);
	return len;
}
