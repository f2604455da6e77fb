package flagd

// list is a rule that mostly comes to a list.
func (g *generator) list(depth int) string {
	if g.chaos() {
		return g.any(depth - 1)
	}
	if depth <= 0 || g.chance(30) {
		return g.weighted(
			func() string { return g.listOf(0, 4, func() string { return g.any(depth - 1) }) },
			func() string { return g.variableOf(`"numbers"`, `"texts"`, `"list"`, `"items"`, `"o.c"`) },
		)
	}
	switch g.IntN(8) {
	case 0, 1:
		return g.operatorOn("map", g.loopArguments(depth, g.any))
	case 2, 3:
		return g.operatorOn("filter", g.loopArguments(depth, g.truth))
	case 4:
		return g.operatorOn("merge", g.arguments(0, 3, func() string { return g.any(depth - 1) }))
	case 5:
		return g.operatorOn("missing", g.arguments(0, 4, g.path))
	case 6:
		return g.operator("missing_some", g.oneOf("0", "1", "2", "1.5", `"1"`, g.number(0)), g.weighted(func() string { return g.listOf(0, 4, g.path) }, func() string { return g.list(depth - 1) }))
	default:
		return g.operatorOn("merge", g.list(depth-1))
	}
}

// quantified asks all, none or some of a list.
func (g *generator) quantified(depth int) string {
	return g.operatorOn(g.oneOf("all", "none", "some"), g.loopArguments(depth, g.truth))
}

// loopArguments are a list and a body that also reads the elements.
func (g *generator) loopArguments(depth int, body func(depth int) string) string {
	if g.chance(2) {
		return g.weighted(func() string { return g.list(depth - 1) }, func() string { return "[" + g.list(depth-1) + "]" }, g.null)
	}
	subject := g.list(depth - 1)
	outer := g.inLoop
	g.inLoop = true
	args := "[" + subject + "," + body(depth-1)
	g.inLoop = outer
	if g.chance(2) {
		args += "," + g.any(0)
	}
	return args + "]"
}

// reduced adds up, or does something odd.
func (g *generator) reduced(depth int) string {
	subject := g.list(depth - 1)
	outer := g.inLoop
	g.inLoop = true
	body := g.reduceBody(depth)
	g.inLoop = outer
	initial := g.weighted(g.numberLiteral, g.numberLiteral, g.textLiteral, g.boolLiteral, func() string { return g.any(1) })
	if g.chance(2) {
		return g.operator("reduce", subject, body)
	}
	return g.operator("reduce", subject, body, initial)
}

func (g *generator) reduceBody(depth int) string {
	turn := func() string {
		return g.oneOf(`{"var":"current"}`, `{"var":"accumulator"}`, `{"var":"current.n"}`, `{"var":["current",1]}`, `{"var":"valueType"}`, `{"var":""}`, g.any(depth-1))
	}
	switch g.IntN(4) {
	case 0:
		return g.operator("cat", turn(), turn())
	case 1:
		return g.operator(g.oneOf("<", "==", "and", "or"), turn(), turn())
	case 2:
		return g.operator(g.oneOf("max", "min", "*", "-"), turn(), turn())
	default:
		return g.operator("+", turn(), turn())
	}
}

// variableOf reads one of the paths, maybe with a default.
func (g *generator) variableOf(paths ...string) string {
	if g.inLoop && g.chance(60) {
		return g.element()
	}
	if g.chance(6) {
		return g.variable()
	}
	path := g.oneOf(paths...)
	switch {
	case g.chance(12):
		return g.operator("var", path, g.anyLiteral(1))
	case g.chance(10):
		return g.operator("var", path)
	default:
		return g.operatorOn("var", path)
	}
}

// element reads what a loop steps through.
func (g *generator) element() string {
	return g.operatorOn("var", g.oneOf(`""`, `""`, `""`, `"a"`, `"b"`, `"n"`, `"0"`, `"1"`, `["a",1]`, `["b","x"]`, `[]`, `"current"`, `"accumulator"`, `null`, `0`, `".a"`, `".n"`))
}

// variable reads anything in any way that var can be written.
func (g *generator) variable() string {
	switch g.IntN(6) {
	case 0, 1, 2:
		return g.operatorOn("var", g.path())
	case 3:
		return g.operator("var", g.path(), g.any(1))
	case 4:
		return g.operatorOn("var", g.oneOf("null", "[]", "0", "1", "1.0", "true", "{}", "[null]", "[1]", "[[]]", `["a","b","c"]`, `[true,1]`))
	default:
		return g.operatorOn("var", g.text(1))
	}
}

// path is a way into the context, odd ones among them.
func (g *generator) path() string {
	if g.chance(60) {
		return attributes[g.IntN(len(attributes))].name
	}
	return g.oneOf(
		`""`, `"."`, `".."`, `".n"`, `"n."`, `"o..a"`, `"o.a"`, `"o.b.c"`, `"o.0"`, `"o.é"`, `"o."`, `"a.b"`, `"a.0"`, `"a.a"`, `"items.0.a"`, `"items.0.b"`, `"items.1.b.0"`, `"texts.1"`, `"texts.-1"`,
		`"texts.x"`, `"texts.0x1"`, `"texts.1e0"`, `"texts.1.9"`, `"texts. 1"`, `"texts.+1"`, `"texts.Inf"`, `"texts.nan"`, `"texts.9223372036854775808"`, `"texts.-0.5"`, `"list.0.0"`, `"list.1.a"`,
		`"$flagd"`, `"$flagd.flagKey"`, `"$flagd.timestamp"`, `"$flagd.flagKey.x"`, `"$flagd.x"`, `"$flagd..flagKey"`, `"s.0"`, `"n.a"`, `"flag.a"`, `"nowhere"`, `"z.a"`, `"accumulator.a"`, `0`, `1`, `1.5`,
	)
}
