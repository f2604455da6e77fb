package flagd

// attributes are the names that rules read, with the kind of value that a
// context mostly has for them.
var attributes = []struct {
	name string
	make func(g *generator) string
}{
	{`"targetingKey"`, func(g *generator) string { return g.targetingKey() }},
	{`"n"`, (*generator).numberLiteral},
	{`"m"`, (*generator).numberLiteral},
	{`"s"`, (*generator).textLiteral},
	{`"t"`, (*generator).textLiteral},
	{`"flag"`, (*generator).boolLiteral},
	{`"version"`, (*generator).versionLiteral},
	{`"numbers"`, func(g *generator) string { return g.listOf(0, 5, g.numberLiteral) }},
	{`"texts"`, func(g *generator) string { return g.listOf(0, 5, g.textLiteral) }},
	{`"list"`, func(g *generator) string { return g.listLiteral(2) }},
	{`"items"`, func(g *generator) string { return g.listOf(0, 4, g.item) }},
	{`"o"`, func(g *generator) string { return g.objectLiteral(3) }},
	{`"z"`, (*generator).null},
	{`"größe"`, (*generator).textLiteral},
	{`"a"`, func(g *generator) string { return g.anyLiteral(2) }},
	{`"accumulator"`, func(g *generator) string { return g.anyLiteral(1) }},
}

func (g *generator) targetingKey() string {
	if g.chance(75) {
		return `"user-` + g.index() + g.index() + g.index() + `"`
	}
	return g.textLiteral()
}

// item is an element that loops step through.
func (g *generator) item() string {
	return `{"a":` + g.weighted(g.numberLiteral, g.textLiteral, g.boolLiteral) + `,"b":` + g.anyLiteral(1) + `,"n":` + g.numberLiteral() + `}`
}

// callerContext is one caller's context. Attributes may be missing, of another kind,
// or there twice.
func (g *generator) callerContext() string {
	g.lenient = true
	var members []string
	for _, a := range attributes {
		if g.chance(15) {
			continue
		}
		members = append(members, a.name+":"+g.attributeValue(a.make))
		if g.chance(2) {
			members = append(members, a.name+":"+g.attributeValue(a.make))
		}
	}
	if g.chance(10) {
		members = append(members, g.memberName()+":"+g.anyLiteral(2))
	}
	if g.chance(5) {
		members = append(members, `"$flagd":`+g.oneOf(`{"flagKey":"x","timestamp":1}`, `"x"`, `null`, `[]`))
	}
	g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return g.object(members)
}

func (g *generator) attributeValue(usual func(g *generator) string) string {
	if g.chance(8) {
		return g.anyLiteral(2)
	}
	return usual(g)
}
