package eval

import (
	"fmt"
	"strings"
)

// definition is one flag as the document has it.
type definition struct {
	key            string
	raw            []byte
	state          string
	defaultVariant string // empty: the answer is the code's own default
	variants       []variant
	targeting      value
	hasTargeting   bool
	metadata       []section
}

type variant struct {
	name string
	raw  []byte
	kind kind
}

// answers is what a compiled flag still needs of its definition. The rule's tree is the largest part of a document in memory.
func (def *definition) answers() *definition {
	return &definition{key: def.key, state: def.state, defaultVariant: def.defaultVariant, variants: def.variants}
}

func (def *definition) variantsOrNone() []variant {
	if def == nil {
		return nil
	}
	return def.variants
}

// readFlags takes the flags as a map, or as a list whose elements have a key.
func (d *Document) readFlags(r *reader) error {
	if r.dec.PeekKind() == '[' {
		return r.list(r.limits.Flags, "flags", func(int) error { return d.readFlag(r, "") })
	}
	return r.object(r.limits.Flags, "flags", func(key string) error {
		if err := checkKey(r, key); err != nil {
			return err
		}
		return d.readFlag(r, key)
	})
}

// readFlag reads one flag; without a key, the flag must carry its own.
func (d *Document) readFlag(r *reader, key string) error {
	start := r.start()
	def := definition{key: key}
	err := r.object(r.limits.List, "members of one object", func(name string) error {
		if name == "key" && key == "" {
			return def.readKey(r)
		}
		return def.readMember(r, name)
	})
	if err != nil {
		return err
	}
	if def.key == "" {
		return r.refuse("a flag in a list needs a key", `add "key": "…" to it`)
	}
	if _, exists := d.index[def.key]; exists {
		return r.refuse(fmt.Sprintf("duplicate key %q", def.key), "readers disagree on which of the two counts: keep one")
	}
	def.raw = r.doc[start:r.dec.InputOffset()]
	d.index[def.key] = len(d.flags)
	d.flags = append(d.flags, def)
	return nil
}

func (def *definition) readKey(r *reader) error {
	key, err := r.text()
	if err != nil {
		return err
	}
	def.key = key
	return checkKey(r, key)
}

// checkKey refuses keys that no client could ask for.
func checkKey(r *reader, key string) error {
	switch {
	case key == "":
		return r.refuse("a flag's key must not be empty", "")
	case strings.Contains(key, ".."):
		return r.refuse(fmt.Sprintf("the key %q contains \"..\"", key),
			"some clients clean \"..\" out of the URL they call and would ask for another flag: choose another key")
	}
	return nil
}

func (def *definition) readMember(r *reader, name string) (err error) {
	switch name {
	case "state":
		def.state, err = r.text()
	case "defaultVariant":
		err = def.readDefault(r)
	case "variants":
		err = def.readVariants(r)
	case "targeting":
		def.hasTargeting = true
		def.targeting, err = r.rule()
	case "metadata":
		def.metadata, err = readMetadata(r)
	default:
		_, err = r.value()
	}
	return err
}

func (def *definition) readDefault(r *reader) error {
	if r.dec.PeekKind() == 'n' {
		_, err := r.next()
		return err
	}
	var err error
	def.defaultVariant, err = r.text()
	return err
}

func (def *definition) readVariants(r *reader) error {
	return r.object(r.limits.List, "variants", func(name string) error {
		k := kindOf(r.dec.PeekKind())
		raw, err := r.raw()
		def.variants = append(def.variants, variant{name: name, raw: raw, kind: k})
		return err
	})
}

// variant finds a variant's position by name, or -1.
func (def *definition) variant(name string) int {
	for i := range def.variants {
		if def.variants[i].name == name {
			return i
		}
	}
	return -1
}

func (def *definition) variantNames() []string {
	names := make([]string, len(def.variants))
	for i := range def.variants {
		names[i] = def.variants[i].name
	}
	return names
}
