package main

import "context"

// setting is the verb set.
type setting struct {
	overriding
	Variant string  `required:"" help:"The variant to serve." placeholder:"V"`
	Segment *string `help:"For whom: a name in $evaluators; everyone by default." placeholder:"NAME"`
}

// Run forces the flag to a variant, for everyone or for a segment.
func (s *setting) Run(ctx context.Context, w *world, form output) error {
	if s.Variant == "" {
		return wrongly("name one; burgeectl kill forces a flag to its safe variant", "--variant is empty")
	}
	segment, err := given("--segment", s.Segment, "leave it out for everyone")
	if err != nil {
		return err
	}
	return s.force(ctx, w, form, s.Variant, segment)
}

func (*setting) examples() []string {
	return []string{
		`burgeectl set page_size --variant small --key oncall.key --message 'the database is slow'`,
		`burgeectl set new_pricing --variant dynamic --segment staff --key oncall.key --message 'staff tries it'`,
	}
}
