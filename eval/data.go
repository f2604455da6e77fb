package eval

import "slices"

// compileData compiles an object of several members, which is data. Where the
// library substitutes, one of the members may still be a var.
func (c *compiler) compileData(v value, s scope) expr {
	code := c.replacedItems(v, s)
	if args, ok := s.varOf(v); ok {
		return c.substituted(args, s, code)
	}
	return code
}

// replaced compiles data that stands in a rule. The library runs nothing in it,
// yet where it substitutes, it replaces the vars in it.
func (c *compiler) replaced(v value, s scope) expr {
	code := c.replacedItems(v, s)
	args, ok := s.varOf(v)
	if !ok {
		return code
	}
	var options firstOf
	for _, frame := range s.solved {
		options = append(options, c.variable(args, frame))
	}
	return append(options, code)
}

// replacedItems replaces inside a value; most have nothing to replace.
func (c *compiler) replacedItems(v value, s scope) expr {
	if len(s.solved) == 0 || v.box == nil {
		return keep(v)
	}
	items, same := make([]expr, len(v.items())), true
	for i, item := range v.items() {
		items[i] = keep(item)
		if v.kind == list || v.names()[i] != "var" {
			items[i] = c.replaced(item, s)
		}
		_, known := items[i].(constant)
		same = same && known
	}
	if same {
		return keep(v)
	}
	return &dataExpr{kind: v.kind, names: slices.Clone(v.names()), items: items}
}

// varOf gives the arguments of a var among an object's members, where the
// library would replace the object by its value.
func (s scope) varOf(v value) (args value, ok bool) {
	for i, name := range v.names() {
		if name == "var" && s.substitutes(v.items()[i]) {
			return v.items()[i], true
		}
	}
	return value{}, false
}

// dataExpr is a list or an object with replaced vars in it.
type dataExpr struct {
	kind  kind
	names []string
	items listExpr
}

func (e *dataExpr) eval(c *Context) value {
	v := e.items.eval(c)
	if e.kind == object {
		return c.temp.object(e.names, v.items())
	}
	return v
}
