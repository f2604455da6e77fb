# The sidecar's image: the program, the authorities that S3 is checked against, and nothing else. docs/operations.md tells how it is run
# and how to check that a build gives the same bytes again, docs/decisions/image.md why it is made like this. `make image` builds it.

FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
# Only for machines that reach modules by a proxy of their own.
ARG GOPROXY
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOMODCACHE=/cache/modules GOCACHE=/cache/build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/cache/modules go mod download
COPY . .
RUN --mount=type=cache,target=/cache/modules --mount=type=cache,target=/cache/build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /out/burgee ./cmd/burgee

FROM scratch
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="burgee" \
      org.opencontainers.image.description="The feature-flag sidecar: verified flags over a Unix socket, whatever happens to the store" \
      org.opencontainers.image.source="https://github.com/burgeehq/burgee" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.created=$CREATED
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/burgee /burgee
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
ENTRYPOINT ["/burgee"]
