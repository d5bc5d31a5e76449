//go:build !race

package scsi

const race = false
