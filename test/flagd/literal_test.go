package flagd

import (
	"encoding/json"
	"strconv"
)

// Literals stand in rules and in contexts alike, so that they meet.

func (g *generator) numberLiteral() string {
	if g.chance(60) {
		return strconv.Itoa(g.IntN(12) - 2)
	}
	return g.oneOf(
		"0", "-0", "-0.0", "1.0", "1e0", "10E-1", "0.1", "0.30000000000000004", "1.5", "2.50", "-1.5", "18", "65", "100",
		"2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296",
		"9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740991", "-9007199254740993",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616", "123456789012345678901234567890",
		"1e21", "1e20", "123456789e13", "1e-6", "1e-7", "0.000001", "0.0000001", "1e308", "-1e308", "1.7976931348623157e308", "5e-324", "-5e-324", "1e-400",
	)
}

func (g *generator) textLiteral() string {
	if g.lenient && g.chance(2) {
		return g.oneOf(`"\ud800"`, `"\udc00x"`, `"\ud800\u0041"`, `"\ud83d\ud83d\ude00"`, `"\uD83D\uDE00"`, `"\ufffd"`)
	}
	if g.chance(50) {
		return g.oneOf(`"a"`, `"b"`, `"c"`, `"on"`, `"off"`, `"yes"`, `"h1"`, `"x"`, `"jane@burgee.dev"`, `"@burgee.dev"`, `"gold"`)
	}
	return g.oneOf(
		`""`, `" "`, `" a "`, `"  \t"`, `"a b"`, `"\u0061"`, `"\n"`, `"é"`, `"e\u0301"`, `"\u00e9"`, `"ß"`, `"größe"`, `"日本"`, `"😀"`, `"\ud83d\ude00"`,
		`"👩‍👧"`, `"\u2028"`, `"\u0000"`, `"\\"`, `"\/"`, `"a\"b"`, `"a&b"`, `"<a>"`, `"&"`, `"null"`, `"true"`, `"false"`, `"{}"`, `"[]"`,
		`"0"`, `"1"`, `"-1"`, `"1.0"`, `"1.5"`, `"2"`, `" 2"`, `"2 "`, `"+2"`, `"1e3"`, `"0x10"`, `"0b1"`, `"1_000"`, `"Inf"`, `"-inf"`, `"NaN"`, `"nan"`, `"1e999"`, `"."`, `"1."`, `".5"`,
		`"12abc"`, `"9007199254740993"`, `"\u00a0"`, `"\u00a0a"`, `"\u200b"`, `"\ufeff"`, `"A"`, `"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`,
	)
}

func (g *generator) versionLiteral() string {
	return g.oneOf(
		`"1.0.0"`, `"1.0.1"`, `"1.2.0"`, `"2.0.0"`, `"v1.0.0"`, `"V1.0.0"`, `"vV1.0.0"`, `"Vv1.0.0"`, `"1"`, `"1.0"`, `"v2"`, `"1.0.0-alpha"`, `"1.0.0-alpha.1"`, `"1.0.0-rc.1+b"`, `"1.0.0+build"`,
		`"1.2.3.4"`, `"01.0.0"`, `"1.0.0-01"`, `""`, `"v"`, `" 1.0.0"`, `"1.0.x"`, `"99999999999999999999.0.0"`, "1", "1.1", "2", "1e21", "-1", "1.10",
	)
}

func (g *generator) boolLiteral() string { return g.oneOf("true", "false") }

// anyLiteral is a value of any kind, such as a context may hold.
func (g *generator) anyLiteral(depth int) string {
	if depth <= 0 {
		return g.weighted(g.numberLiteral, g.textLiteral, g.boolLiteral, g.null)
	}
	return g.weighted(
		g.numberLiteral, g.textLiteral, g.boolLiteral, g.null,
		func() string { return g.listLiteral(depth) },
		func() string { return g.objectLiteral(depth) },
	)
}

func (g *generator) null() string { return "null" }

func (g *generator) listLiteral(depth int) string {
	switch g.IntN(5) {
	case 0:
		return g.listOf(0, 4, g.numberLiteral)
	case 1:
		return g.listOf(0, 5, g.textLiteral)
	case 2:
		return g.listOf(0, 3, func() string { return g.objectLiteral(depth - 1) })
	default:
		return g.listOf(0, 4, func() string { return g.anyLiteral(depth - 1) })
	}
}

// objectLiteral is data. As part of a rule, one of a single member is a rule.
func (g *generator) objectLiteral(depth int) string {
	var members []string
	seen := make(map[string]bool)
	for range g.IntN(4) {
		name := g.memberName()
		if plain := unquoted(name); !seen[plain] || g.lenient {
			seen[plain] = true
			members = append(members, name+":"+g.anyLiteral(depth-1))
		}
	}
	return g.object(members)
}

// ruleData is an object that a rule takes for data: none or several members.
func (g *generator) ruleData(depth int) string {
	if g.chance(20) {
		return "{}"
	}
	return `{"a":` + g.anyLiteral(depth-1) + `,` + g.oneOf(`"b"`, `"c"`, `"var"`, `"é"`) + `:` + g.anyLiteral(depth-1) + `}`
}

func (g *generator) memberName() string {
	if g.chance(70) {
		return g.oneOf(`"a"`, `"b"`, `"c"`, `"0"`, `"1"`)
	}
	return g.oneOf(`""`, `"é"`, `"\u0061"`, `"a.b"`, `"var"`, `"+"`, `"$flagd"`, `"\ud83d\ude00"`, `"on"`, `" a"`)
}

// unquoted is the name that a literal stands for. The generator writes no others.
func unquoted(literal string) (name string) {
	if err := json.Unmarshal([]byte(literal), &name); err != nil {
		panic("the generator wrote the name " + literal + ": " + err.Error())
	}
	return name
}
