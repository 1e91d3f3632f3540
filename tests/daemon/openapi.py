# SPDX-License-Identifier: Apache-2.0
"""Documentation/openapi.yaml: whether it is sound, and whether answers are what it says.

    document = Document(path); document.faults()
    document.check('GET', '/info', answer); document.unseen()

Only what the document uses of OpenAPI 3.1 is known here; anything else in it is a fault.
"""
import json
import re

import jsonschema
import yaml

METHODS = ('get', 'put', 'post', 'delete', 'options', 'head', 'patch')
# Of each kind of object the members that must be there, and those that may.
MEMBERS = {
    'document': ({'openapi', 'info', 'paths', 'components'}, {'servers', 'x-unrouted'}),
    'info': ({'title', 'version'}, {'description', 'license'}),
    'path': (set(), set(METHODS)),
    'operation': ({'operationId', 'summary', 'responses'}, {'description', 'parameters', 'requestBody'}),
    'parameter': ({'name', 'in', 'schema'}, {'required', 'description'}),
    'body': ({'content'}, {'required', 'description'}),
    'response': ({'description'}, {'headers', 'content'}),
    'header': ({'schema'}, {'required', 'description'}),
    'media': (set(), {'schema', 'example', 'examples'}),
    'components': ({'schemas'}, {'parameters', 'responses'}),
}


class Mismatch(AssertionError):
    """An answer is not what the document says."""


def references(value):
    """Every $ref below."""
    if isinstance(value, dict):
        if isinstance(value.get('$ref'), str):
            yield value['$ref']
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from references(one)


def names(template):
    """Of the parameters in a path"""
    return re.findall(r'{([^}]*)}', template)


class Document:
    def __init__(self, path):
        with open(path, encoding='utf-8') as file:
            self.root = yaml.safe_load(file)
        self.seen = set()  # (method, path, status)

    def resolve(self, value):
        """What is meant, where a reference may stand. KeyError: it leads nowhere."""
        if '$ref' in value:
            reference, value = value['$ref'], self.root
            for part in reference.removeprefix('#/').split('/'):
                value = value[part]
        return value

    def errors(self, schema, instance):
        """What is wrong with it. References in a schema are to the document."""
        whole = {**schema, 'components': self.root['components']}
        return [f'{error.json_path}: {error.message}'
                for error in jsonschema.Draft202012Validator(whole).iter_errors(instance)]

    def operations(self):
        for path, item in self.root['paths'].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    # ---- the document itself ----

    def faults(self):
        """What is wrong with it, in words; none: it is sound. What builds on something wrong is
        not looked at."""
        for look in (self.look_references, self.look_schemas, self.look_rest):
            if found := list(look()):
                return found
        return []

    def look_references(self):
        for reference in sorted(set(references(self.root))):
            try:
                self.resolve({'$ref': reference})
            except (KeyError, TypeError):
                yield f'{reference} leads nowhere'

    def look_schemas(self):
        for name, schema in self.root['components']['schemas'].items():
            yield from look_schema(name, schema)

    def look_rest(self):
        root = self.root
        for kind in ('document', 'info', 'components'):
            yield from members(kind, root if kind == 'document' else root[kind])
        if not str(root['openapi']).startswith('3.1.'):
            yield 'openapi: not 3.1'
        used = set(references(root))
        for kind, values in root['components'].items():
            for name in values:
                if f'#/components/{kind}/{name}' not in used:
                    yield f'components.{kind}.{name}: not used'
        ids = [operation.get('operationId') for _, _, operation in self.operations()]
        if len(ids) != len(set(ids)):
            yield f'operationId: not unique: {ids}'
        for path, item in root['paths'].items():
            yield from members('path', item, path)
        for method, path, operation in self.operations():
            yield from self.look_operation(f'{method} {path}', path, operation)
        yield from self.look_responses('x-unrouted', root.get('x-unrouted', {}))

    def look_operation(self, where, path, operation):
        yield from members('operation', operation, where)
        parameters = [self.resolve(parameter) for parameter in operation.get('parameters', ())]
        for parameter in parameters:
            name = f'{where} {parameter.get("name")}'
            yield from members('parameter', parameter, name)
            yield from look_schema(name, parameter.get('schema', {}))
            if parameter.get('in') not in ('path', 'query', 'header'):
                yield f'{name}: in {parameter.get("in")}'
        wanted = [p['name'] for p in parameters if p.get('in') == 'path' and p.get('required')]
        if wanted != names(path):
            yield f'{where}: parameters {wanted}'
        if 'requestBody' in operation:
            yield from members('body', operation['requestBody'], where)
            yield from self.look_content(where, operation['requestBody'])
        if '405' not in operation['responses']:
            yield f'{where}: no 405'
        yield from self.look_responses(where, operation['responses'])

    def look_responses(self, where, responses):
        if not responses:
            yield f'{where}: no responses'
        for status, value in responses.items():
            name = f'{where} {status}'
            response = self.resolve(value)
            if not re.fullmatch('[1-5][0-9][0-9]', str(status)) or not isinstance(status, str):
                yield f'{name}: no status'
            yield from members('response', response, name)
            for header, description in response.get('headers', {}).items():
                yield from members('header', description, f'{name} {header}')
                yield from look_schema(f'{name} {header}', description.get('schema', {}))
            yield from self.look_content(name, response)

    def look_content(self, where, holder):
        for kind, media in holder.get('content', {}).items():
            yield from members('media', media, f'{where} {kind}')
            schema = media.get('schema', {})
            yield from look_schema(f'{where} {kind}', schema)
            examples = [one['value'] for one in media.get('examples', {}).values()]
            if 'example' in media:
                examples.append(media['example'])
            for example in examples:
                for error in self.errors(schema, example):
                    yield f'{where} {kind}: example {example}: {error}'

    # ---- answers ----

    def find_path(self, target):
        path = re.split('[?#]', target)[0]
        for template in self.root['paths']:
            if re.fullmatch(re.sub('{[^}]*}', '[^/]+', template), path):
                return template
        return None

    def check(self, method, target, answer):
        """Mismatch if the document does not describe that answer to that request. A target of
        None stands for a request without one."""
        template = self.find_path(target) if target else None
        item = self.root['paths'].get(template, {})
        allow = ', '.join(sorted(item)).upper()
        if not template:
            responses = self.root['x-unrouted']
        elif method.lower() in item:
            responses = item[method.lower()]['responses']
        else:
            responses = {'405': next(iter(item.values()))['responses']['405']}
        status = str(answer.status)
        where = f'{method} {target}: {answer}'
        if status not in responses:
            raise Mismatch(f'{where}: not documented')
        self.check_response(where, self.resolve(responses[status]), answer)
        if answer.headers.get('allow', allow) != allow:
            raise Mismatch(f'{where}: Allow is not {allow}')
        self.seen.update({(name.upper(), template, status) for name in item} or
                         {('x-unrouted', '', status)})

    def check_response(self, where, response, answer):
        for name, header in response.get('headers', {}).items():
            value = answer.headers.get(name.lower())
            errors = self.errors(header['schema'], value) if value is not None else \
                ['missing'] * header.get('required', False)
            if errors:
                raise Mismatch(f'{where}: {name}: {errors}')
        kind = answer.headers.get('content-type')
        if kind not in response.get('content', {}):
            raise Mismatch(f'{where}: Content-Type')
        media = response['content'][kind]
        if 'schema' in media:
            body = answer.body.decode()
            # JSON comes as application/octet-stream, too, as CoCo's server sends it.
            value = body if not body or kind.startswith('text/plain') else json.loads(body)
            errors = self.errors(media['schema'], value)
            if errors:
                raise Mismatch(f'{where}: {errors}')

    def unseen(self):
        """(method, path, status) that is documented, and that no answer had."""
        documented = {(method, path, status) for method, path, operation in self.operations()
                      for status in operation['responses']}
        documented |= {('x-unrouted', '', status) for status in self.root['x-unrouted']}
        return documented - self.seen


def members(kind, value, where=''):
    must, may = MEMBERS[kind]
    for name in must - set(value):
        yield f'{where or kind}: lacks {name}'
    for name in set(value) - must - may:
        yield f'{where or kind}: has {name}'


def look_schema(where, schema):
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        yield f'{where}: {error.json_path}: {error.message}'
