package eval

import (
	"fmt"
	"strings"
)

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
	def, start := definition{key: key}, r.start()
	r.values = 0
	referring := false
	err := r.object(r.limits.List, "members of one object", func(name string) error {
		if name == "key" && key == "" {
			return def.readKey(r)
		}
		refers, err := def.checkMember(r, name)
		referring = referring || refers
		return err
	})
	if err != nil {
		return err
	}
	if def.key == "" {
		return r.refuse("a flag in a list needs a key", `add "key": "…" to it`)
	}
	def.raw = r.doc[start:r.dec.InputOffset()]
	if def.ruleTo > 0 {
		def.ruleFrom, def.ruleTo = def.ruleFrom-start, def.ruleTo-start
	}
	if key == "" {
		if d.listed[def.key] {
			return r.refuse(fmt.Sprintf("duplicate key %q", shorten(def.key)), "readers disagree on which of the two counts: keep one")
		}
		if d.listed == nil {
			d.listed = make(map[string]bool)
		}
		d.listed[def.key] = true
	}
	if referring {
		d.referring = append(d.referring, def)
	}
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
		return r.refuse(fmt.Sprintf("the key %q contains \"..\"", shorten(key)),
			"some clients clean \"..\" out of the URL they call and would ask for another flag: choose another key")
	}
	return nil
}

// checkMember reads past one member of a flag, and tells whether it is a rule
// that may refer to an evaluator. It notes where in the document the rule stands.
func (def *definition) checkMember(r *reader, name string) (refers bool, err error) {
	switch name {
	case "state":
		_, err = r.text()
	case "defaultVariant":
		err = r.textOrNull()
	case "variants":
		err = r.object(r.limits.List, "variants", func(string) error {
			def.variants++
			return r.skip()
		})
	case "targeting":
		start := r.start()
		refers, err = r.rule()
		def.ruleFrom, def.ruleTo = start, int(r.dec.InputOffset())
		return refers, err
	case "metadata":
		err = r.object(r.limits.List, "metadata entries", func(name string) error {
			entry, err := r.section(name, r.skip)
			def.metadata += entry.answered()
			return err
		})
	default:
		err = r.skip() // not ours to understand, yet within the limits
	}
	return false, err
}

// answered is how many bytes of answers an entry of metadata takes, about.
func (s section) answered() int {
	if isContractKey(s.name) {
		return 0
	}
	return quotedSize(s.name) + len(s.raw) + len(`:,`)
}

// quotedSize is how many bytes a string takes in JSON, at most.
func quotedSize(s string) int {
	size := len(s) + len(`""`)
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '"' || s[i] == '\\' {
			size += len(`\u0000`) - 1
		}
	}
	return size
}
