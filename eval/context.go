package eval

// Context is what a caller knows about the subject of an evaluation. The zero
// value is ready and empty. It is meant to be reused, since it keeps its memory,
// and must not be used by two goroutines at once. Several flags may be evaluated
// against one Context, one after the other.
type Context struct {
	tape
	root int32 // the entry of the context object
	has  bool  // there is a root; else the context is empty

	bindings
	aside bindings    // to the ruleset that was read before: two of them can take turns
	taken arena[byte] // what was taken out of the context
	run
}

// run is the state of one evaluation.
type run struct {
	flag   *Flag
	now    int64
	fault  fault
	steps  int
	frames []value // what var reads inside map, filter and their like, by depth
	temp   memory  // what lives until the evaluation ends
	small  [32]byte
	panic  *Panic // that was not taken yet
}

// ParseRequest reads the body of an OFREP request, {"context": {…}}. Other
// members are ignored, and so is a context that is no object; an empty body is
// an empty context. The caller keeps the body unchanged while the Context is in
// use. After an error the Context is empty.
func (c *Context) ParseRequest(body []byte) error {
	c.Reset()
	if isBlank(body) {
		return nil
	}
	if err := c.scan(body, "the request"); err != nil {
		return err
	}
	at, ok := c.find(0, "context")
	c.root, c.has = at, ok && c.entries[at].kind() == object
	return nil
}

// Parse reads the context object itself. The caller keeps it unchanged while
// the Context is in use. After an error the Context is empty.
func (c *Context) Parse(object []byte) error {
	c.Reset()
	if err := c.scan(object, "the context"); err != nil {
		return err
	}
	c.root, c.has = 0, true
	return nil
}

// scan fills the tape from an object.
func (c *Context) scan(body []byte, what string) error {
	s := scanner{src: body, tape: c.entries[:0], bounds: contextBounds}
	ok := s.document()
	c.entries = s.tape
	if ok && s.tape[0].kind() != object {
		ok = s.fail(what + " must be a JSON object, not " + s.tape[0].kind().String())
	}
	if !ok {
		c.Reset()
		return s.err
	}
	c.body = body
	return nil
}

// Reset empties the context and lets go of the caller's bytes.
func (c *Context) Reset() {
	c.body, c.entries, c.root, c.has = nil, c.entries[:0], 0, false
	if cap(c.entries) > keptBlock {
		c.entries = nil
	}
	c.taken.reset()
	c.temp.reset()
	c.loose()
	clear(c.frames)
	c.flag, c.panic = nil, nil
}

func isBlank(body []byte) bool {
	for _, b := range body {
		if b != ' ' && b != '\t' && b != '\n' && b != '\r' {
			return false
		}
	}
	return true
}

// RequestTexts gives the texts of a list that stands beside the context in a
// request, such as {"context": {…}, "flags": ["a", "b"]}. There need not be one,
// which there tells. They are valid until the next Parse or Reset.
func (c *Context) RequestTexts(name string) (texts []string, there bool, err error) {
	if len(c.entries) == 0 {
		return nil, false, nil
	}
	at, there := c.find(0, name)
	if !there {
		return nil, false, nil
	}
	if c.entries[at].kind() != list {
		return nil, true, &ContextError{Message: quote(name) + " must be a list of strings, not " + c.entries[at].kind().String()}
	}
	texts = make([]string, c.entries[at].count())
	i := at + 1
	for n := range texts {
		if c.entries[i].kind() != text {
			return nil, true, &ContextError{Message: quote(name) + " must hold strings, not " + c.entries[i].kind().String()}
		}
		texts[n] = c.readText(i, &c.held)
		i = int32(c.entries[i].next)
	}
	return texts, true, nil
}
