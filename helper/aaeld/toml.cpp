// SPDX-License-Identifier: Apache-2.0
/*
 * aa.toml as the Attestation Agent reads it. The only C++ of the daemon: no exception
 * leaves it, and what it returns is plain C.
 */
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "aaeld.h"

namespace
{

constexpr int64_t init_pcr_max = 23;

struct bad_value {
	unsigned long line;
	std::string text;
};

[[noreturn]] void refuse(const toml::node &node, const char *key, const char *why)
{
	throw bad_value{ node.source().begin.line, std::string(key) + " " + why };
}

/* The table of a name, or null; anything else there is an error. @key: from the root. */
const toml::table *table_in(const toml::table &parent, const char *name, const char *key)
{
	const toml::node *node = parent.get(name);

	if (node && !node->is_table())
		refuse(*node, key, "must be a table");
	return node ? node->as_table() : nullptr;
}

void take_bool(const toml::table &t, const char *name, const char *key, bool &out)
{
	const toml::node *node = t.get(name);

	if (!node)
		return;
	if (const auto *b = node->as_boolean()) {
		out = b->get();
		return;
	}
	const auto *s = node->as_string();
	if (!s || (s->get() != "true" && s->get() != "false"))
		refuse(*node, key, "must be true or false");
	out = s->get() == "true";
}

/* 17 or "17": Init-Data templates write either. */
bool take_index(const toml::table &t, const char *name, const char *key, uint32_t &out)
{
	const toml::node *node = t.get(name);
	int64_t value = -1;

	if (!node)
		return false;
	if (const auto *i = node->as_integer()) {
		value = i->get();
	} else if (const auto *s = node->as_string()) {
		const std::string &text = s->get();

		if (!text.empty() && text.size() <= 2 &&
		    text.find_first_not_of("0123456789") == std::string::npos)
			value = std::strtol(text.c_str(), nullptr, 10);
	}
	if (value < 0 || value > init_pcr_max)
		refuse(*node, key, "must be an integer from 0 to 23");
	out = static_cast<uint32_t>(value);
	return true;
}

/* Nothing uses it yet; but a file that later has to be refused is better refused now. */
void check_string(const toml::table &t, const char *name, const char *key)
{
	const toml::node *node = t.get(name);

	if (node && !node->is_string())
		refuse(*node, key, "must be a string");
}

void take_log(const toml::table &t, aaeld_config *config)
{
	const toml::node *node = t.get("level");

	if (!node)
		return;
	if (!node->is_string() ||
	    aaeld_log_parse_level(node->as_string()->get().c_str(), &config->level))
		refuse(*node, "log.level", "must be error, warn, info or debug");
	config->has_level = true;
}

void take(const toml::table &root, aaeld_config *config)
{
	if (const toml::table *t = table_in(root, "eventlog_config", "eventlog_config")) {
		take_bool(*t, "enable_eventlog", "eventlog_config.enable_eventlog",
			  config->enable_eventlog);
		config->has_init_pcr =
			take_index(*t, "init_pcr", "eventlog_config.init_pcr", config->init_pcr);
	}
	if (const toml::table *t = table_in(root, "log", "log"))
		take_log(*t, config);
	if (const toml::table *t = table_in(root, "token_configs", "token_configs")) {
		if (const toml::table *kbs = table_in(*t, "kbs", "token_configs.kbs")) {
			check_string(*kbs, "url", "token_configs.kbs.url");
			check_string(*kbs, "cert", "token_configs.kbs.cert");
		}
	}
}

int say(char *message, int ret, const char *name, unsigned long line, std::string_view what)
{
	std::snprintf(message, AAELD_MESSAGE_BYTES, "%s:%lu: %.*s", name, line,
		      static_cast<int>(what.size()), what.data());
	return ret;
}

} // namespace

extern "C" int aaeld_toml_parse(const char *text, size_t size, const char *name,
				struct aaeld_config *config, char message[AAELD_MESSAGE_BYTES])
{
	std::memset(config, 0, sizeof(*config));
	message[0] = '\0';
	try {
		take(toml::parse(std::string_view(text, size)), config);
		return 0;
	} catch (const toml::parse_error &e) {
		return say(message, -EINVAL, name, e.source().begin.line, e.description());
	} catch (const bad_value &e) {
		return say(message, -EINVAL, name, e.line, e.text);
	} catch (const std::bad_alloc &) {
		return say(message, -ENOMEM, name, 0, "no memory");
	} catch (...) {
		return say(message, -EINVAL, name, 0, "cannot be read as TOML");
	}
}
