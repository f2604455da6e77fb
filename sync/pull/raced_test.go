//go:build race

package pull

const raced = true
