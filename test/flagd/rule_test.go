package flagd

// targeting is a flag's rule, or one of the things that may stand in its place;
// empty where the flag has none.
func (g *generator) targeting() string {
	switch g.IntN(50) {
	case 0, 1, 2:
		return ""
	case 3, 4:
		return g.oneOf("{}", "{}", "{ }", "null")
	case 5, 6:
		return g.weighted(g.textLiteral, g.numberLiteral, g.boolLiteral, g.variantName)
	case 7:
		return g.weighted(func() string { return g.listOf(0, 2, g.anyRule) }, func() string { return g.ruleData(2) })
	case 8:
		return `{"` + g.oneOf("no_such_operator", "", "VAR", "log", "if ", "$ref", "flagd") + `":` + g.weighted(g.anyRule, func() string { return g.listOf(0, 2, g.anyRule) }) + `}`
	default:
		return g.observed()
	}
}

func (g *generator) anyRule() string { return g.any(2) }

// observed is a rule that comes to a variant and thereby shows what is computed
// inside it: a truth names the variant true or false, text and numbers are
// hashed to one of sixteen variants, lists are written as text first.
func (g *generator) observed() string {
	depth := 1 + g.IntN(4)
	switch g.IntN(9) {
	case 0, 1:
		return g.truth(depth)
	case 8:
		return g.named(depth)
	case 2:
		return g.hashed(g.text(depth))
	case 3:
		return g.hashed(g.number(depth))
	case 4:
		return g.hashed(g.joined(g.list(depth)))
	case 5:
		return g.decided(depth)
	case 6:
		return g.fractional(depth)
	default:
		return g.operator("if", g.truth(depth), g.hashed(g.any(depth-1)), g.hashed(g.text(1)))
	}
}

// named is a rule whose number or text itself may be the name of a variant.
func (g *generator) named(depth int) string {
	if g.chance(50) {
		number := g.oneOf(g.numberLiteral(), "1e-6", "1e-7", "1e20", "1e21", "-0.0", "5e-324")
		return g.operator("if", g.truth(depth-1), number, g.textLiteral())
	}
	return g.weighted(func() string { return g.number(depth) }, func() string { return g.text(depth) })
}

// hashed turns text into the name of a variant.
func (g *generator) hashed(text string) string {
	args := g.operator("cat", text, `"!"`)
	for _, name := range hashNames {
		args += `,["` + name + `"]`
	}
	return g.operatorOn("fractional", "["+args+"]")
}

// joined writes a list as text. Half of the time booleans are written too, which
// cat alone does not take.
func (g *generator) joined(list string) string {
	current := `{"var":"current"}`
	if g.chance(50) {
		g.used["if"], g.used["==="] = true, true
		current = `{"if":[{"===":[{"var":"current"},true]},"T",{"===":[{"var":"current"},false]},"F",{"var":"current"}]}`
	}
	return g.operatorOn("reduce", `[`+list+`,{"cat":[{"var":"accumulator"},"|",`+current+`]},""]`)
}

// decided is what people write: conditions, and variants as the branches.
func (g *generator) decided(depth int) string {
	if g.chance(6) {
		return g.operatorOn(g.oneOf("if", "?:"), g.arguments(0, 1, func() string { return g.variant(depth - 1) }))
	}
	args := []string{g.truth(depth - 1), g.variant(depth - 1)}
	for g.chance(40) {
		args = append(args, g.truth(depth-1), g.variant(depth-1))
	}
	if g.chance(70) {
		args = append(args, g.variant(depth-1))
	}
	return g.operator(g.oneOf("if", "if", "?:"), args...)
}

func (g *generator) variant(depth int) string {
	if depth > 0 && g.chance(15) {
		return g.fractional(depth - 1)
	}
	if depth > 0 && g.chance(15) {
		return g.decided(depth - 1)
	}
	return g.variantName()
}

func (g *generator) variantName() string {
	if g.chance(6) {
		return g.anyLiteral(1)
	}
	return `"` + g.oneOf("true", "false", "on", "off", "h0", "h1", "h2", "a", "b", "", "é", "2", "nowhere") + `"`
}

// any is a rule or a value of whatever kind.
func (g *generator) any(depth int) string {
	switch g.IntN(12) {
	case 0, 1, 2:
		return g.number(depth)
	case 3, 4, 5:
		return g.text(depth)
	case 6, 7:
		return g.truth(depth)
	case 8, 9:
		return g.list(depth)
	case 10:
		return g.variable()
	default:
		return g.data(depth)
	}
}

// data is an object, written or computed.
func (g *generator) data(depth int) string {
	if depth <= 0 || g.chance(40) {
		return g.weighted(func() string { return g.ruleData(1) }, func() string { return g.variableOf(`"o"`, `"items.0"`, `""`, `"$flagd"`) })
	}
	return g.operator("set", g.data(depth-1), g.text(0), g.any(depth-1))
}

// number is a rule that mostly comes to a number.
func (g *generator) number(depth int) string {
	if g.chaos() {
		return g.any(depth - 1)
	}
	if g.chance(2) {
		return g.operatorOn(g.oneOf("-", "/", "+", "*", "max"), "[]")
	}
	if depth <= 0 || g.chance(25) {
		return g.weighted(g.numberLiteral, func() string {
			return g.variableOf(`"n"`, `"m"`, `"n"`, `"m"`, `"numbers.0"`, `"numbers.1"`, `"items.0.n"`, `"o.a"`, `"$flagd.timestamp"`)
		})
	}
	one := func() string { return g.number(depth - 1) }
	switch g.IntN(12) {
	case 0, 1, 2:
		return g.operatorOn(g.oneOf("+", "*", "-", "/"), g.arguments(2, 3, one))
	case 3:
		return g.operatorOn(g.oneOf("+", "-", "*", "/"), g.arguments(0, 3, one))
	case 4, 5:
		return g.operatorOn("%", g.arguments(2, 2, one))
	case 6:
		return g.operatorOn("abs", g.arguments(1, 1, one))
	case 7, 8:
		return g.operatorOn(g.oneOf("max", "min"), g.arguments(0, 4, one))
	case 9:
		return g.reduced(depth)
	case 10:
		return g.operator("if", g.truth(depth-1), one(), one())
	default:
		return g.operatorOn("+", one())
	}
}

// arguments is a list of them; seldom too short, too long, or no list.
func (g *generator) arguments(least, most int, one func() string) string {
	switch g.IntN(50) {
	case 0:
		return one()
	case 1:
		return g.listOf(0, most+2, one)
	default:
		return g.listOf(least, most, one)
	}
}

// text is a rule that mostly comes to a string.
func (g *generator) text(depth int) string {
	if g.chaos() {
		return g.any(depth - 1)
	}
	if depth <= 0 || g.chance(25) {
		return g.weighted(g.textLiteral, func() string {
			return g.variableOf(`"s"`, `"t"`, `"s"`, `"t"`, `"targetingKey"`, `"größe"`, `"texts.0"`, `"texts.1"`, `"o.b"`, `"items.1.a"`, `"$flagd.flagKey"`, `"\u0073"`)
		})
	}
	one := func() string { return g.text(depth - 1) }
	switch g.IntN(6) {
	case 0, 1:
		return g.operatorOn("cat", g.arguments(1, 3, func() string { return g.oneOf(one(), one(), g.number(depth-1)) }))
	case 2, 3:
		args := []string{one(), g.offset(depth)}
		if g.chance(60) {
			args = append(args, g.offset(depth))
		}
		if g.chance(3) {
			args = append(args, one())
		}
		return g.operator("substr", args...)
	case 4:
		return g.operatorOn("cat", one())
	default:
		return g.operator("if", g.truth(depth-1), one(), one())
	}
}

func (g *generator) offset(depth int) string {
	if g.chance(80) {
		return g.oneOf("0", "1", "2", "3", "-1", "-2", "1.9", "-0.5", `"1"`, "100", "-100", "null", "0.0")
	}
	return g.number(depth - 1)
}

// truth is a rule that mostly comes to a boolean.
func (g *generator) truth(depth int) string {
	if g.chaos() {
		return g.any(depth - 1)
	}
	if len(g.evaluators) > 0 && g.chance(5) {
		return `{"$ref":"` + g.oneOf(g.evaluators...) + `"}`
	}
	if depth <= 0 {
		return g.weighted(g.boolLiteral, func() string { return g.compared(0) }, func() string { return g.variableOf(`"flag"`, `"flag"`, `"a"`, `"z"`) })
	}
	switch g.IntN(10) {
	case 0, 1, 2:
		return g.compared(depth)
	case 3:
		return g.operatorOn(g.oneOf("!", "!!"), g.weighted(func() string { return g.truth(depth - 1) }, func() string { return g.listOf(0, 2, func() string { return g.any(depth - 1) }) }))
	case 4:
		return g.operatorOn(g.oneOf("and", "or"), g.arguments(1, 4, func() string { return g.truth(depth - 1) }))
	case 5:
		return g.searched(depth)
	case 6:
		return g.quantified(depth)
	case 7:
		return g.operatorOn(g.oneOf("starts_with", "ends_with"), g.arguments(2, 2, func() string { return g.text(depth - 1) }))
	case 8:
		return g.versions(depth)
	default:
		return g.operatorOn(g.oneOf("contains_all", "contains_any", "contains_none"), g.arguments(2, 2, func() string { return g.list(depth - 1) }))
	}
}

// compared compares numbers, text, or whatever comes.
func (g *generator) compared(depth int) string {
	kinds := []func() string{
		func() string { return g.number(depth - 1) },
		func() string { return g.text(depth - 1) },
		func() string { return g.any(depth - 1) },
	}
	one := kinds[g.IntN(len(kinds))]
	least, most := 2, 2
	if g.chance(15) {
		least, most = 0, 4
	}
	return g.operatorOn(g.oneOf("==", "===", "!=", "!==", "<", "<=", ">", ">="), g.arguments(least, most, one))
}

func (g *generator) searched(depth int) string {
	kinds := []func() string{
		func() string { return g.number(depth - 1) },
		func() string { return g.text(depth - 1) },
		func() string { return g.any(depth - 1) },
	}
	one := kinds[g.IntN(len(kinds))]
	haystack := g.weighted(
		func() string { return g.listOf(0, 7, one) },
		func() string { return g.list(depth - 1) },
		func() string { return g.text(depth - 1) },
		func() string { return g.listOf(1, 2, func() string { return g.listOf(2, 2, one) }) },
	)
	return g.operator("in", one(), haystack)
}

func (g *generator) versions(depth int) string {
	version := func() string {
		if g.chance(40) {
			return g.variableOf(`"version"`, `"version"`, `"n"`, `"a"`)
		}
		if g.chance(5) {
			return g.any(depth - 1)
		}
		return g.versionLiteral()
	}
	comparator := g.oneOf(`"="`, `"!="`, `"<"`, `"<="`, `">"`, `">="`, `"^"`, `"~"`)
	if g.chance(5) {
		comparator = g.oneOf(`"=="`, `""`, "null", `1`, `{"var":"s"}`, `"≥"`)
	}
	args := []string{version(), comparator, version()}
	if g.chance(3) {
		args = args[:g.IntN(3)]
	}
	return g.operator("sem_ver", args...)
}
