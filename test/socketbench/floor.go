//go:build linux

package main

import (
	"net"
	"os"
	"time"

	"github.com/valyala/fasthttp"
)

const floorCommand = "serve-floor"

// serveFloor answers every request with the bytes of a file. It bounds slow clients the way fasthttp offers, by timeouts of its own.
func serveFloor(args []string) error {
	socket, file := args[0], args[1]
	answer, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	ln, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	contentType := []byte("application/json")
	server := &fasthttp.Server{
		Handler: func(ctx *fasthttp.RequestCtx) {
			ctx.Response.Header.SetContentTypeBytes(contentType)
			ctx.Response.SetBodyRaw(answer)
		},
		ReadTimeout:           5 * time.Second,
		WriteTimeout:          5 * time.Second,
		IdleTimeout:           180 * time.Second,
		NoDefaultServerHeader: true,
		NoDefaultDate:         true,
		NoDefaultContentType:  true,
	}
	return server.Serve(ln)
}
