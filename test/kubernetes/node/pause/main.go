// Command pause holds a pod's namespaces, as the image of that name does on every node: it waits until it is told to end. It is for tests only.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	<-end
}
