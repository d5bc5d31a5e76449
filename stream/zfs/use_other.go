//go:build !linux

package zfs

import "context"

// claim does nothing: ZFS itself refuses to roll back what is open here.
func claim(context.Context, string) (leave func(), err error) { return func() {}, nil }
