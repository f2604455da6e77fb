package eval

// merge flattens one level.
func merge(c *Context, args value) value {
	switch args.kind {
	case boolean, number, text:
		items := c.temp.values.take(1)
		items[0] = args
		return c.temp.list(items)
	}
	count := 0
	items := c.elements(args)
	for _, item := range items {
		count += width(item)
	}
	if !c.spend(count) {
		return value{}
	}
	merged := c.temp.values.take(count)[:0]
	for _, item := range items {
		if item.kind == list {
			merged = append(merged, item.items()...)
		} else {
			merged = append(merged, item)
		}
	}
	return c.temp.list(merged)
}

// width is how many elements a value adds to a merged list.
func width(v value) int {
	if v.kind == list {
		return len(v.items())
	}
	return 1
}

func containsAll(c *Context, args value) value {
	have, want, ok := twoLists(args)
	if !ok {
		return boolValue(false)
	}
	for _, w := range want {
		if !c.holds(have, w) {
			return boolValue(false)
		}
	}
	return boolValue(true)
}

func containsAny(c *Context, args value) value {
	have, want, ok := twoLists(args)
	return boolValue(ok && c.holdsAny(have, want))
}

func containsNone(c *Context, args value) value {
	have, want, ok := twoLists(args)
	return boolValue(!ok || !c.holdsAny(have, want))
}

func twoLists(args value) (a, b []value, ok bool) {
	items := args.items()
	if args.kind != list || len(items) != 2 || items[0].kind != list || items[1].kind != list {
		return nil, nil, false
	}
	return items[0].items(), items[1].items(), true
}

func (c *Context) holdsAny(have, want []value) bool {
	for _, w := range want {
		if c.holds(have, w) {
			return true
		}
	}
	return false
}

// holds compares without converting anything.
func (c *Context) holds(have []value, want value) bool {
	if !c.spend(len(have)) {
		return false
	}
	for _, item := range have {
		if item.kind != want.kind {
			continue
		}
		if item.box != nil {
			c.fail("contains_all and its like do not compare lists or objects")
			return false
		}
		if item.num == want.num && (item.kind == number || item.str == want.str) {
			return true
		}
	}
	return false
}

// setProperty gives the object with one member set, as a new object.
func setProperty(c *Context, args value) value {
	items := c.elements(args)
	if len(items) == 0 {
		return value{}
	}
	target := items[0]
	if len(items) < 3 || target.kind != object {
		return target
	}
	if items[1].kind != text {
		c.fail("set needs a string as the member's name, not " + items[1].kind.String())
		return value{}
	}
	if items[2].holdsRule() {
		c.fail("the value of set is an object of one member; data is never run as a rule")
		return value{}
	}
	count := len(target.items())
	if !c.spend(count) {
		return value{}
	}
	names, values := c.temp.names.take(count + 1)[:0], c.temp.values.take(count + 1)[:0]
	names, values = append(names, target.names()...), append(values, target.items()...)
	names, values = setMember(names, values, items[1].str, items[2])
	return c.temp.object(names, values)
}
