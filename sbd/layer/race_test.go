//go:build unix && race

package layer

const race = true
