// Command gotgt serves one file with github.com/gostor/gotgt, to be measured beside. It is a
// module of its own, so that what gotgt needs stays out of ours.
//
// usage: gotgt IQN FILE PORT
//
// The unit is LUN 0. It listens on every address, which gotgt gives no choice of.
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/gostor/gotgt/pkg/config"
	_ "github.com/gostor/gotgt/pkg/port/iscsit" // the driver "iscsi"
	"github.com/gostor/gotgt/pkg/scsi"
	_ "github.com/gostor/gotgt/pkg/scsi/backingstore" // the store "file"
	"github.com/sirupsen/logrus"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: gotgt IQN FILE PORT")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "gotgt:", err)
		os.Exit(1)
	}
}

func serve(iqn, file, port string) error {
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	logrus.SetLevel(logrus.ErrorLevel) // it would otherwise log in the I/O path
	const device = 1
	c := &config.Config{
		Storages:     []config.BackendStorage{{DeviceID: device, Path: "file:" + file, Online: true, BlockShift: 9}},
		ISCSIPortals: []config.ISCSIPortalInfo{{ID: 0, Portal: "127.0.0.1:" + port}},
		ISCSITargets: map[string]config.ISCSITarget{
			iqn: {TPGTs: map[string][]uint64{"1": {0}}, LUNs: map[string]uint64{"0": device}},
		},
	}
	if err := scsi.InitSCSILUMap(c); err != nil {
		return err
	}
	driver, err := scsi.NewTargetDriver("iscsi", scsi.NewSCSITargetService())
	if err != nil {
		return err
	}
	if err := driver.NewTarget(iqn, c); err != nil {
		return err
	}
	return driver.Run(n)
}
