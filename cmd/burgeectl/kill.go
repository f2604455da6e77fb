package main

import "context"

// killing is the verb kill.
type killing struct {
	overriding
	Variant *string `help:"The variant to serve; by default each flag's safe one." placeholder:"V"`
}

// Run forces the flag for everyone, whatever state the rest of the store is in.
func (k *killing) Run(ctx context.Context, w *world, form output) error {
	variant, err := given("--variant", k.Variant, "leave it out for the safe variant")
	if err != nil {
		return err
	}
	return k.force(ctx, w, form, variant, "")
}

func (*killing) examples() []string {
	return []string{
		`burgeectl kill new_pricing --key oncall.key --message 'INC-7: prices are wrong'`,
		`burgeectl kill new_pricing --variant legacy --key oncall.key --message INC-7`,
		`burgeectl kill new_pricing --key oncall.key --message INC-7 --wait --targets 10.0.0.7:8014,10.0.0.8:8014`,
	}
}
