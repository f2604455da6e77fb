package sidecar

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// checkAddresses refuses TCP addresses that no system could listen on; whether this one can, shows when it tries.
func checkAddresses(listen, admin string) error {
	if err := checkAddress("--listen", listen, DefaultListen); err != nil {
		return err
	}
	if err := checkAddress("--admin", admin, "127.0.0.1:8014"); err != nil {
		return err
	}
	if _, port, err := net.SplitHostPort(listen); err == nil && listen == admin && port != "0" {
		return fmt.Errorf("--listen and --admin are both %q: give each its own port", listen)
	}
	return nil
}

// checkAddress wants a host, which may be a name, empty for all addresses of the machine, and a port in figures: which port a name stands
// for, each system tells by itself.
func checkAddress(setting, address, example string) error {
	if address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	why := ""
	if wrong := (*net.AddrError)(nil); errors.As(err, &wrong) {
		why = wrong.Err
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		why = fmt.Sprintf("port %q is no number from 0 to 65535", port)
	}
	if why != "" {
		return fmt.Errorf("%s %q: %s: want HOST:PORT, such as %s", setting, address, why, example)
	}
	return nil
}
