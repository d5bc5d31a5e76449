//go:build race

package iscsi_test

// race: it makes pools forget, and so code allocate.
const race = true
