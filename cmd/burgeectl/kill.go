package main

import "context"

// killing is the verb kill.
type killing struct {
	overriding
	Variant string `help:"The variant to serve; by default each flag's safe one." placeholder:"V"`
}

// Run forces the flag for everyone, whatever state the rest of the store is in.
func (k *killing) Run(ctx context.Context, w *world, form output) error {
	return k.force(ctx, w, form, k.Variant, "")
}
