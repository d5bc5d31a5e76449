package sbd_test

import (
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

func TestMem(t *testing.T) {
	storetest.Run(t, func(t *testing.T) sbd.Store { return sbd.NewMem(storetest.MinSize + 4096) })
}
