//go:build race

package scsi

const race = true
