//go:build tools

// Package tools names a small package of each module, so that go mod tidy keeps it.
package tools

import (
	_ "github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	_ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
)
