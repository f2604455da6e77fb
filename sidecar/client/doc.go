// Package client is what an application written in Go uses of Burgee beside OpenFeature: one request, one snapshot.
//
// A request that enters the application gets a [Snapshot]: the state of the flags that it is answered from, however long it takes and
// however many services it passes. The snapshot travels in the request's [context.Context]: [Middleware] puts it there, [Transport] passes
// it on to the next service, package provider evaluates flags from it. What enters by other ways has [Client.Enter], [Inject] and [Extract],
// and the packages grpcmeta and otelbaggage.
//
// The package asks one sidecar, over its socket or loopback TCP, and needs the standard library alone. It never fails a request: where the
// sidecar is away, the request goes on without a snapshot, and every flag has the default that its code gives. It checks no signatures:
// a token is a name for a state, and each sidecar decides for itself whether it knows that state.
package client
