// SPDX-License-Identifier: Apache-2.0
@main struct Icepack { static func main() {} }
