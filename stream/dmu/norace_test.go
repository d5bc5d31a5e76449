//go:build !race

package dmu

const every = 1
