//go:build !race

package pull

const raced = false
