#include "printed.h"

#include <opencv2/aruco.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

static cv::Ptr<cv::aruco::Dictionary> family() {
    return cv::aruco::getPredefinedDictionary(cv::aruco::DICT_APRILTAG_36h11);
}

int dt_markers(const unsigned char* pix, int w, int h, int most, int* ids, float* corners) {
    try {
        cv::Mat m(h, w, CV_8UC1, const_cast<unsigned char*>(pix));
        cv::Ptr<cv::aruco::DetectorParameters> p = cv::aruco::DetectorParameters::create();
        p->minMarkerPerimeterRate = 0.02;
        std::vector<int> found;
        std::vector<std::vector<cv::Point2f>> at;
        cv::aruco::detectMarkers(m, family(), at, found, p);
        int n = std::min<int>(most, found.size());
        for (int i = 0; i < n; i++) {
            ids[i] = found[i];
            for (int k = 0; k < 4; k++) {
                corners[8 * i + 2 * k] = at[i][k].x;
                corners[8 * i + 2 * k + 1] = at[i][k].y;
            }
        }
        return n;
    } catch (...) {
        return -1;
    }
}

int dt_marker_cells(int id, unsigned char* cells) {
    try {
        cv::Ptr<cv::aruco::Dictionary> d = family();
        if (id < 0 || id >= d->bytesList.rows) return -1;
        const int rim = 1, side = d->markerSize + 2 * rim;
        cv::Mat m;
        cv::aruco::drawMarker(d, id, side, m, rim);
        if (m.rows != side || m.cols != side || side != 8) return -1;
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) cells[y * side + x] = m.at<unsigned char>(y, x) > 127;
        return 0;
    } catch (...) {
        return -1;
    }
}

int dt_corners(const unsigned char* pix, int w, int h, int n, int half, float* points) {
    try {
        cv::Mat m(h, w, CV_8UC1, const_cast<unsigned char*>(pix));
        std::vector<cv::Point2f> p(n);
        for (int i = 0; i < n; i++) p[i] = cv::Point2f(points[2 * i], points[2 * i + 1]);
        cv::cornerSubPix(m, p, cv::Size(half, half), cv::Size(-1, -1),
                         cv::TermCriteria(cv::TermCriteria::COUNT | cv::TermCriteria::EPS, 40, 0.01));
        for (int i = 0; i < n; i++) {
            points[2 * i] = p[i].x;
            points[2 * i + 1] = p[i].y;
        }
        return 0;
    } catch (...) {
        return -1;
    }
}
