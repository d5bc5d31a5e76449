//go:build !race

package iscsi_test

const race = false
