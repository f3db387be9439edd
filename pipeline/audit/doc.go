// Package audit compares results with results: the tables of an output folder with
// those that its result files give ([Tables]), and the results of two versions or two
// settings of the program ([Bridge]). It measures nothing and judges no skin.
package audit
