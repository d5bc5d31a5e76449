// Package zvol has the tests of volumes that ZFS keeps, which run where OpenZFS is:
//
//	contract_test.go    the contract of stream.Volume, on zvols
//	matrix_test.go      zvols and files, replicated to one another
//	package_test.go     zfs send -R and -I, taken apart
//	full_test.go        a place without room
//	promote_test.go     a clone in the place of its volume
//	killed_test.go      zfs killed at either end
//	delegation_test.go  what zfs allow has to grant, taken by an account that has nothing else
//
// TestGuestVolumes in internal/peer builds them, and runs them in a virtual machine as an account
// that is not root.
package zvol
