package flagfile

import (
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// converter writes JSON while it walks the nodes of a YAML file.
type converter struct {
	out    []byte
	depth  int
	values int
}

func (c *converter) value(n *yaml.Node) error {
	if c.values++; c.values > MaxValues {
		return errorAt(n, "more than the limit of %d values, aliases followed", MaxValues)
	}
	if len(c.out) > MaxSize {
		return errorAt(n, "more than the limit of %d bytes, aliases followed", MaxSize)
	}
	if c.depth++; c.depth > MaxDepth {
		return errorAt(n, "more than the limit of %d levels of nesting, aliases followed", MaxDepth)
	}
	defer func() { c.depth-- }()
	switch n.Kind {
	case yaml.DocumentNode:
		return c.value(n.Content[0])
	case yaml.AliasNode:
		return c.value(n.Alias)
	case yaml.SequenceNode:
		return c.sequence(n)
	case yaml.MappingNode:
		return c.mapping(n)
	default:
		return c.scalar(n)
	}
}

func (c *converter) sequence(n *yaml.Node) error {
	c.out = append(c.out, '[')
	for i, item := range n.Content {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		if err := c.value(item); err != nil {
			return err
		}
	}
	c.out = append(c.out, ']')
	return nil
}

func (c *converter) mapping(n *yaml.Node) error {
	members, err := c.members(n)
	if err != nil {
		return err
	}
	c.out = append(c.out, '{')
	for i, m := range members {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.quote(m.key.Value)
		c.out = append(c.out, ':')
		if err := c.value(m.value); err != nil {
			return err
		}
	}
	c.out = append(c.out, '}')
	return nil
}

// quote writes a string; the YAML parser has refused what is not UTF-8.
func (c *converter) quote(s string) {
	c.out, _ = jsontext.AppendQuote(c.out, s)
}

type member struct{ key, value *yaml.Node }

// members gives what a mapping holds, with merge keys (<<) followed: what the
// mapping says itself wins, then what is merged first.
func (c *converter) members(n *yaml.Node) ([]member, error) {
	var own []member
	var merged []*yaml.Node
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := follow(n.Content[i]), n.Content[i+1]
		switch {
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
			continue
		case key.Kind != yaml.ScalarNode:
			return nil, errorAt(key, "a key must be a plain value, not a list or a mapping")
		case seen[key.Value]:
			return nil, errorAt(key, "duplicate key %q", key.Value)
		}
		seen[key.Value] = true
		own = append(own, member{key, value})
	}
	for _, from := range merged {
		more, err := c.merge(from, seen)
		if err != nil {
			return nil, err
		}
		own = append(own, more...)
	}
	return own, nil
}

// merge gives the members of a mapping, or of a list of them, that are not seen yet.
func (c *converter) merge(from *yaml.Node, seen map[string]bool) ([]member, error) {
	if c.depth++; c.depth > MaxDepth {
		return nil, errorAt(from, "more than the limit of %d levels of nesting, aliases followed", MaxDepth)
	}
	defer func() { c.depth-- }()
	source := follow(from)
	if source.Kind == yaml.SequenceNode {
		return c.mergeAll(source.Content, seen)
	}
	if source.Kind != yaml.MappingNode {
		return nil, errorAt(from, "<< takes a mapping, or a list of mappings")
	}
	members, err := c.members(source)
	if err != nil {
		return nil, err
	}
	var added []member
	for _, m := range members {
		if c.values++; c.values > MaxValues {
			return nil, errorAt(from, "more than the limit of %d values, aliases followed", MaxValues)
		}
		if !seen[m.key.Value] {
			seen[m.key.Value] = true
			added = append(added, m)
		}
	}
	return added, nil
}

func (c *converter) mergeAll(sources []*yaml.Node, seen map[string]bool) ([]member, error) {
	var added []member
	for _, source := range sources {
		more, err := c.merge(source, seen)
		if err != nil {
			return nil, err
		}
		added = append(added, more...)
	}
	return added, nil
}

func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
