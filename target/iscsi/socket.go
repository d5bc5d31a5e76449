package iscsi

import (
	"net"
	"time"
)

// tune prepares a socket for PDUs. The lengths of the socket buffers are left to the kernel:
// setting them would switch its tuning off.
func tune(nc net.Conn, writeTimeout time.Duration) error {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	if err := tcp.SetNoDelay(true); err != nil {
		return err
	}
	err := tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3})
	if err != nil {
		return err
	}
	return setUserTimeout(tcp, int(writeTimeout.Milliseconds()))
}
