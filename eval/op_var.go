package eval

import "strings"

func compileVar(c *compiler, args value, s scope) expr {
	own := c.variable(args, s.frame)
	if !s.substitutes(args) {
		return own
	}
	return c.substituted(args, s, own)
}

// substitutes tells whether the library replaces a var with these arguments. It
// leaves alone what reads the element itself.
func (s scope) substitutes(args value) bool {
	own := args.kind == text && (args.str == "" || strings.HasPrefix(args.str, "."))
	return len(s.solved) > 0 && !own
}

// variable compiles var against one frame.
func (c *compiler) variable(args value, frame int) expr {
	written, fallback, literal := literalPath(args)
	if !literal {
		return c.computedPath(args, frame)
	}
	path := splitPath(written)
	switch {
	case len(path) == 0:
		return orElse(wholeExpr{frame}, fallback)
	case frame != rootFrame:
		return &pathExpr{frame: frame, path: path, fallback: fallback}
	case path[0].name == flagdProperty:
		return &flagdExpr{path: path[1:], fallback: fallback}
	default:
		return c.read(c.slots.slot(written), fallback)
	}
}

// read gives the program that reads a slot, which is the same one where nothing stands in for null.
func (c *compiler) read(slot int32, fallback value) expr {
	if fallback.kind != null {
		return &attributeExpr{slot: slot, fallback: fallback}
	}
	if c.reads[slot] == nil {
		c.reads[slot] = &attributeExpr{slot: slot}
	}
	return c.reads[slot]
}

// computedPath compiles each path of a rule once for a frame. A loop asks for the
// paths of its body again and again, and a path may have loops in it.
func (c *compiler) computedPath(args value, frame int) expr {
	key := pathKey{args.box, frame}
	if code, ok := c.paths[key]; ok && args.box != nil {
		return code
	}
	code := &variableExpr{frame: frame, args: c.compile(args, scope{frame: frame})}
	c.paths[key] = code
	return code
}

type pathKey struct {
	args  *box
	frame int
}

// literalPath reads the arguments of var where nothing in them is to compute.
func literalPath(args value) (path string, fallback value, ok bool) {
	if args.kind == text {
		return args.str, value{}, true
	}
	items := args.items()
	if args.kind != list || len(items) == 0 || len(items) > 2 || items[0].kind != text {
		return "", value{}, false
	}
	if len(items) == 1 {
		return items[0].str, value{}, true
	}
	return items[0].str, items[1], items[1].box == nil
}

// orElse gives the fallback for null.
func orElse(e expr, fallback value) expr {
	if fallback.kind == null {
		return e
	}
	return firstOf{e, constant{fallback}}
}

// firstOf is the first that is not null.
type firstOf []expr

func (e firstOf) eval(c *Context) value {
	for _, option := range e {
		if v := option.eval(c); v.kind != null {
			return v
		}
	}
	return value{}
}

// substituted compiles a var that the library replaces before the body runs.
func (c *compiler) substituted(args value, s scope, otherwise expr) expr {
	options := make(substitutedExpr, 0, len(s.solved)+1)
	for _, frame := range s.solved {
		options = append(options, splicedExpr{c.variable(args, frame)})
	}
	return append(options, otherwise)
}

// substitutedExpr asks the frames that the library substitutes from, outermost
// first, and last what was written.
type substitutedExpr []expr

func (e substitutedExpr) eval(c *Context) value { return firstOf(e).eval(c) }
