//go:build race

package history

// stride is which of the tamperings are tried: all take minutes under the race detector, and none of them has goroutines.
const stride = 13
