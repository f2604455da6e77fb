package flagd

// fractional buckets by all sorts of keys with all sorts of weights.
func (g *generator) fractional(depth int) string {
	if g.chance(2) {
		return g.operatorOn("fractional", g.weighted(g.null, g.textLiteral, func() string { return "[]" }, func() string { return g.any(depth - 1) }))
	}
	var args []string
	if key := g.bucketKey(depth); key != "" {
		args = append(args, key)
	}
	for range 1 + g.IntN(4) {
		args = append(args, g.share(depth))
	}
	if g.chance(2) {
		args = args[:1]
	}
	return g.operator("fractional", args...)
}

// bucketKey is empty where the targeting key is meant.
func (g *generator) bucketKey(depth int) string {
	switch g.IntN(8) {
	case 0, 1, 2:
		return ""
	case 3, 4:
		return g.operator("cat", `{"var":"$flagd.flagKey"}`, g.oneOf(`{"var":"targetingKey"}`, `{"var":"s"}`, `{"var":"n"}`, `{"var":"size"}`))
	case 5:
		return g.variableOf(`"targetingKey"`, `"s"`, `"n"`, `"nowhere"`, `"größe"`)
	case 6:
		return g.text(depth - 1)
	default:
		return g.any(depth - 1)
	}
}

func (g *generator) share(depth int) string {
	if g.chance(2) {
		return g.oneOf(`[]`, `"on"`, `null`, `5`, `{}`, `{"a":1,"b":2}`)
	}
	name := g.variantName()
	if g.chance(10) {
		name = g.variant(depth - 1)
	}
	switch g.IntN(10) {
	case 0, 1:
		return "[" + name + "]"
	case 2:
		return "[" + name + "," + g.weight(depth) + "," + g.weight(depth) + "]"
	default:
		return "[" + name + "," + g.weight(depth) + "]"
	}
}

func (g *generator) weight(depth int) string {
	if g.chance(85) {
		return g.oneOf("0", "1", "1", "10", "25", "50", "50", "75", "99", "100", "1000", "1.0", "5e1", "-0.0")
	}
	if g.chance(30) {
		return g.number(depth - 1)
	}
	return g.oneOf("-5", "25.5", `"50"`, "null", "true", "2147483647", "2147483648", "1073741824", "1e18", "1e19", "-1e19", "9223372036854775808", "-9223372036854775808", "[]", "1e308", "5e-324")
}
