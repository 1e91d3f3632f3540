// SPDX-License-Identifier: Apache-2.0
/* The only C++ here: no exception leaves it, and what it hands out is opaque to C. */
#include <cerrno>
#include <cstdio>
#include <new>
#include <string>
#include <string_view>

#define TOML_ENABLE_FORMATTERS 0 /* we only read */
#include <toml++/toml.h>

#include "toml.h"

struct aael_toml {
	toml::table root;
};

namespace
{

const toml::node *node_of(const aael_toml_value *value)
{
	return reinterpret_cast<const toml::node *>(value);
}

const aael_toml_value *value_of(const toml::node *node)
{
	return reinterpret_cast<const aael_toml_value *>(node);
}

/* tomlplusplus quotes the text as it stands; what is shown of it cannot steer a terminal. */
int say(aael_toml_error *err, int ret, unsigned long line, std::string_view what)
{
	err->line = line;
	std::snprintf(err->text, sizeof(err->text), "%.*s", static_cast<int>(what.size()),
		      what.data());
	for (char *c = err->text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return ret;
}

} // namespace

extern "C" int aael_toml_parse(const char *text, size_t size, struct aael_toml **doc,
			       struct aael_toml_error *err)
{
	*doc = nullptr;
	say(err, 0, 0, "");
	try {
		*doc = new aael_toml{ toml::parse(std::string_view(text, size)) };
		return 0;
	} catch (const toml::parse_error &e) {
		return say(err, -EINVAL, e.source().begin.line, e.description());
	} catch (const std::bad_alloc &) {
		return say(err, -ENOMEM, 0, "no memory");
	} catch (...) {
		return say(err, -EINVAL, 0, "cannot be read as TOML");
	}
}

extern "C" void aael_toml_free(struct aael_toml *doc)
{
	delete doc;
}

extern "C" const struct aael_toml_value *aael_toml_root(const struct aael_toml *doc)
{
	return doc ? value_of(&doc->root) : nullptr;
}

extern "C" const struct aael_toml_value *aael_toml_get(const struct aael_toml_value *table,
						       const char *name)
{
	const toml::table *t = table ? node_of(table)->as_table() : nullptr;

	return t ? value_of(t->get(name)) : nullptr;
}

extern "C" int aael_toml_each(const struct aael_toml_value *table,
			      int (*each)(void *arg, const char *name,
					  const struct aael_toml_value *value),
			      void *arg)
{
	const toml::table *t = table ? node_of(table)->as_table() : nullptr;
	int ret = 0;

	if (!t)
		return 0;
	for (auto it = t->cbegin(); !ret && it != t->cend(); ++it)
		ret = each(arg, it->first.data(), value_of(&it->second));
	return ret;
}

extern "C" bool aael_toml_is_table(const struct aael_toml_value *value)
{
	return value && node_of(value)->is_table();
}

extern "C" bool aael_toml_bool(const struct aael_toml_value *value, bool *out)
{
	const auto *b = value ? node_of(value)->as_boolean() : nullptr;

	if (b)
		*out = b->get();
	return b;
}

extern "C" bool aael_toml_integer(const struct aael_toml_value *value, int64_t *out)
{
	const auto *i = value ? node_of(value)->as_integer() : nullptr;

	if (i)
		*out = i->get();
	return i;
}

extern "C" const char *aael_toml_string(const struct aael_toml_value *value, size_t *size)
{
	const auto *s = value ? node_of(value)->as_string() : nullptr;

	if (!s)
		return nullptr;
	if (size)
		*size = s->get().size();
	return s->get().c_str();
}

extern "C" unsigned long aael_toml_line(const struct aael_toml_value *value)
{
	return value ? node_of(value)->source().begin.line : 0;
}
