// The union of several schemas. A schema's names of types are numbers of its own, so types are paired by where they are used: the argument of the
// same command, the member of the same name. One node stands for what each schema has in that place.

/**
 * A node is one of
 *
 * - `{kind: 'builtin', json}`, `{kind: 'enum', values}`, `{kind: 'array', element}`;
 * - `{kind: 'object', members, tag, cases}`: members are `{name, node, optional, notIn}`, with the versions that lack the member; cases are
 *   `{value, node}`;
 * - `{kind: 'either', parts}`: an alternate, or a type that differs between the schemas.
 */
export class SchemaUnion {
  /** @param schemas of `readSchema`. */
  constructor(schemas) {
    this.schemas = schemas;
    this.labels = schemas.map(({ label }) => label);
    this.nodes = new Map();
    this.events = this.#roots('event', (here) => ({
      data: this.#node(here.map((root) => root && [root['arg-type']])),
    }));
    this.commands = this.#roots('command', (here) => ({
      args: this.#node(here.map((root) => root && [root['arg-type']])),
      value: this.#node(here.map((root) => root && [root['ret-type']])),
    }));
    this.#shareEqual();
  }

  #roots(kind, nodesOf) {
    const names = new Set(
      this.schemas.flatMap(({ roots }) => roots.filter((root) => root['meta-type'] === kind)).map(({ name }) => name),
    );
    return [...names].sort().map((name) => {
      const here = this.schemas.map(({ roots }) =>
        roots.find((root) => root['meta-type'] === kind && root.name === name),
      );
      const having = (feature) => this.labels.filter((_, at) => here[at]?.features?.includes(feature));
      return {
        name,
        labels: this.labels.filter((_, at) => here[at]),
        deprecated: having('deprecated'),
        unstable: having('unstable').length > 0,
        ...nodesOf(here),
      };
    });
  }

  /** @param names what each schema has here: the names of types, or `undefined` if it does not have the place. */
  #node(names) {
    const types = names.map((each, at) => each && this.#withoutAlternates(each, at));
    const key = JSON.stringify(types.map((each) => each?.map(({ name }) => name) ?? null));
    const known = this.nodes.get(key);
    if (known) return known;
    // Before its parts: types are recursive.
    const node = {};
    this.nodes.set(key, node);
    const all = types.flatMap((each) => each ?? []);
    const parts = unique(all.map(shapeOf));
    if (parts.length > 1) {
      const ofShape = (shape) => types.map((each) => named(each?.filter((type) => shapeOf(type) === shape)));
      return Object.assign(node, { kind: 'either', parts: parts.map((shape) => this.#node(ofShape(shape))) });
    }
    const here = types.map((each) => each?.[0]);
    switch (all[0]['meta-type']) {
      case 'builtin':
        return Object.assign(node, { kind: 'builtin', json: all[0]['json-type'] });
      case 'enum':
        return Object.assign(node, { kind: 'enum', values: unique(all.flatMap(({ values }) => values)) });
      case 'array':
        return Object.assign(node, {
          kind: 'array',
          element: this.#node(here.map((type) => type && [type['element-type']])),
        });
      default:
        return Object.assign(node, { kind: 'object', ...this.#object(here) });
    }
  }

  #withoutAlternates(names, at) {
    return names.flatMap((name) => {
      const type = this.schemas[at].types.get(name);
      if (type['meta-type'] !== 'alternate') return [type];
      return this.#withoutAlternates(
        type.members.map((member) => member.type),
        at,
      );
    });
  }

  #object(objects) {
    const present = objects.filter(Boolean);
    const names = unique(present.flatMap(({ members }) => members.map(({ name }) => name)));
    const members = names.map((name) => {
      const here = objects.map((type) => type?.members.find((member) => member.name === name));
      const has = (version) => this.schemas.some((schema, at) => schema.version === version && here[at]);
      const lacking = this.schemas.filter((_, at) => objects[at] && !here[at]);
      return {
        name,
        node: this.#node(here.map((member) => member && [member.type])),
        optional: lacking.length > 0 || here.some((member) => member && 'default' in member),
        notIn: unique(lacking.map(({ version }) => version)).filter((version) => !has(version)),
      };
    });
    const tags = unique(present.flatMap(({ tag }) => tag ?? []));
    if (tags.length > 1) throw new Error(`a union is tagged by ${tags.join(' and by ')}`);
    const values = unique(present.flatMap(({ variants = [] }) => variants.map((variant) => variant.case)));
    const cases = values.map((value) => {
      const typeIn = (type) =>
        // Where a schema has a plain object in place of the union, it lacks what the cases add.
        type && (type.tag ? type.variants.find((variant) => variant.case === value)?.type : '0');
      return { value, node: this.#node(objects.map((type) => typeIn(type) && [typeIn(type)])) };
    });
    return { members, tag: tags[0], cases };
  }

  /** Nodes that print alike become one: schemas of two programs, or of two versions, differ little. */
  #shareEqual() {
    const nodes = [...this.nodes.values()];
    let classes = new Map(nodes.map((node) => [node, 0]));
    for (let count = 1; ; ) {
      const seen = new Map();
      const next = new Map();
      for (const node of nodes) {
        const text = JSON.stringify(node, (key, value) =>
          key !== '' && classes.has(value) ? classes.get(value) : value,
        );
        if (!seen.has(text)) seen.set(text, seen.size);
        next.set(node, seen.get(text));
      }
      classes = next;
      if (seen.size === count) break;
      count = seen.size;
    }
    const first = new Map();
    for (const [node, id] of classes) if (!first.has(id)) first.set(id, node);
    const shared = (node) => first.get(classes.get(node));
    for (const node of first.values()) {
      if (node.element) node.element = shared(node.element);
      if (node.parts) node.parts = node.parts.map(shared);
      for (const part of [...(node.members ?? []), ...(node.cases ?? [])]) part.node = shared(part.node);
    }
    for (const event of this.events) event.data = shared(event.data);
    for (const command of this.commands) {
      command.args = shared(command.args);
      command.value = shared(command.value);
    }
  }
}

const unique = (values) => [...new Set(values)];

/** Types of one shape are merged, others are alternatives. */
const shapeOf = (type) => (type['meta-type'] === 'builtin' ? type['json-type'] : type['meta-type']);
const named = (types) => (types && types.length > 0 ? types.map(({ name }) => name) : undefined);
